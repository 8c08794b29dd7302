"""What extrawest-ocpi leaves to whoever uses it: where objects are, which tokens are known.

Imported in its own environment only. GET /held tells all that is held, PUT /held/{module}/{id}
adds to it, DELETE /held forgets all.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from py_ocpi.core.authentication.authenticator import Authenticator
from py_ocpi.core.config import settings
from py_ocpi.core.crud import Crud
from py_ocpi.core.endpoints import ENDPOINTS
from py_ocpi.core.endpoints.v_2_2_1.utils import cpo_generator
from py_ocpi.core.enums import Action, ModuleID, RoleEnum
from py_ocpi.main import get_application
from py_ocpi.modules.versions.enums import VersionNumber
from py_ocpi.modules.versions.v_2_2_1.enums import InterfaceRole

VERSION = VersionNumber.v_2_2_1
CREDENTIALS = ModuleID.credentials_and_registration

Object = dict[str, Any]


@dataclass
class Held:
    """`hub` is what the hub introduced itself with, `token` what it may show."""

    role: RoleEnum
    token_a: str
    token: str = ""
    hub: Object = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)

    def credentials(self) -> Object:
        return {
            "token": self.token,
            "url": f"{settings.PROTOCOL}://{settings.OCPI_HOST}/{settings.OCPI_PREFIX}/versions",
            "roles": [
                {
                    "role": self.role.value,
                    "business_details": {"name": "Stranger"},
                    "party_id": settings.PARTY_ID,
                    "country_code": settings.COUNTRY_CODE,
                }
            ],
        }

    def meet(self, hub: Object) -> Object:
        """The hub registers, or renews its registration."""
        self.hub, self.token = hub, secrets.token_hex(16)
        return self.credentials()

    def of(self, module: ModuleID) -> Object:
        return self.objects.setdefault(module.value, {})


def memory(held: Held) -> type[Crud]:  # noqa: C901 - one class with six short methods
    """The package calls its methods on the class. Ids come folded to lower case."""

    class Memory(Crud):
        @classmethod
        async def get(cls, module: Any, _: Any, id: Any, **more: Any) -> Any:  # noqa: A002 - its name in the package
            if module is CREDENTIALS:
                return held.credentials() if held.token else None
            if module is ModuleID.commands:
                return {"result": "ACCEPTED"}  # of the charge point
            return held.of(module).get(_key(id, more))

        @classmethod
        async def list(cls, module: Any, _: Any, filters: Any, **__: Any) -> Any:
            found = list(held.of(module).values())
            first, end = filters["offset"], filters["offset"] + filters["limit"]
            return found[first:end], len(found), end >= len(found)

        @classmethod
        async def create(cls, module: Any, role: Any, data: Any, *_: Any, **more: Any) -> Any:
            return await cls.update(module, role, data, data.get("id") or data.get("uid"), **more)

        @classmethod
        async def update(cls, module: Any, _: Any, data: Any, id: Any, **more: Any) -> Any:  # noqa: A002 - its name in the package
            if module is CREDENTIALS:
                return held.meet(data)
            held.of(module)[_key(id, more)] = data
            return data

        @classmethod
        async def delete(cls, module: Any, _: Any, id: Any, **more: Any) -> None:  # noqa: A002 - its name in the package
            if module is CREDENTIALS:
                held.token, held.hub = "", {}
            held.of(module).pop(_key(id, more), None)

        @classmethod
        async def do(cls, _: Any, __: Any, action: Any, data: Any = None, **more: Any) -> Any:
            if action is Action.get_client_token:
                return held.hub["credentials"]["token"]
            if action is Action.send_command:
                held.objects.setdefault("asked", {})[more["command"].value] = data
                return {"result": "ACCEPTED", "timeout": 30}
            token = held.of(ModuleID.tokens)[data["token_uid"]]
            return {"allowed": "ALLOWED", "token": token, "location": data["location_reference"]}

    return Memory


def door(held: Held) -> type[Authenticator]:
    class Known(Authenticator):
        @classmethod
        async def get_valid_token_c(cls) -> list[str]:
            return [held.token] if held.token else []

        @classmethod
        async def get_valid_token_a(cls) -> list[str]:
            return [] if held.token else [held.token_a]

    return Known


def application(role: str, token_a: str) -> FastAPI:
    held = Held(RoleEnum[role], token_a)
    # A CPO's commands are served, but the package leaves them out of the version details.
    ENDPOINTS[VERSION][RoleEnum.cpo][ModuleID.commands] = cpo_generator.generate_endpoint(
        ModuleID.commands, InterfaceRole.receiver
    )
    made = get_application(
        [VERSION], [held.role], memory(held), list(ModuleID), door(held), http_push=True
    )

    @made.get("/held")
    async def show() -> Held:
        return held

    @made.delete("/held")
    async def forget() -> None:
        held.token, held.hub, held.objects = "", {}, {}

    @made.put("/held/{module}/{key}")
    async def put(module: ModuleID, key: str, value: Object) -> None:
        held.of(module)[key] = value

    return made


def _key(found: Any, more: Object) -> str:
    """The id; of clients, which have none, the party."""
    return str(found or f"{more['country_code']}-{more['party_id']}").lower()
