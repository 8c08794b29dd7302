-- Agreements may be many more than platforms: they are read anew only when this number moved.

insert into version (subject) values ('agreements');
