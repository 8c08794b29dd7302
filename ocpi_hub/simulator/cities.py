"""Where people charge: sixty European cities, their places, time zones and sizes."""

from typing import NamedTuple


class City(NamedTuple):
    """`country` is ISO 3166 alpha-3; `thousands` are people of the city proper, rounded."""

    name: str
    country: str
    lat: float
    lon: float
    thousands: int
    time_zone: str
    postal_code: str


CITIES = (
    City("Berlin", "DEU", 52.520, 13.405, 3700, "Europe/Berlin", "10115"),
    City("Hamburg", "DEU", 53.551, 9.994, 1850, "Europe/Berlin", "20095"),
    City("München", "DEU", 48.137, 11.575, 1490, "Europe/Berlin", "80331"),
    City("Köln", "DEU", 50.938, 6.960, 1080, "Europe/Berlin", "50667"),
    City("Frankfurt am Main", "DEU", 50.111, 8.682, 770, "Europe/Berlin", "60311"),
    City("Stuttgart", "DEU", 48.776, 9.183, 630, "Europe/Berlin", "70173"),
    City("Düsseldorf", "DEU", 51.228, 6.774, 620, "Europe/Berlin", "40213"),
    City("Leipzig", "DEU", 51.340, 12.375, 610, "Europe/Berlin", "04109"),
    City("Dortmund", "DEU", 51.514, 7.465, 590, "Europe/Berlin", "44135"),
    City("Hannover", "DEU", 52.376, 9.732, 535, "Europe/Berlin", "30159"),
    City("Nürnberg", "DEU", 49.452, 11.077, 520, "Europe/Berlin", "90402"),
    City("Dresden", "DEU", 51.050, 13.737, 560, "Europe/Berlin", "01067"),
    City("Bremen", "DEU", 53.079, 8.801, 570, "Europe/Berlin", "28195"),
    City("Freiburg", "DEU", 47.999, 7.842, 230, "Europe/Berlin", "79098"),
    City("Amsterdam", "NLD", 52.370, 4.895, 920, "Europe/Amsterdam", "1012 JS"),
    City("Rotterdam", "NLD", 51.922, 4.479, 660, "Europe/Amsterdam", "3011 AD"),
    City("Den Haag", "NLD", 52.079, 4.313, 560, "Europe/Amsterdam", "2511 CV"),
    City("Utrecht", "NLD", 52.091, 5.121, 370, "Europe/Amsterdam", "3511 AA"),
    City("Eindhoven", "NLD", 51.441, 5.478, 245, "Europe/Amsterdam", "5611 AE"),
    City("Groningen", "NLD", 53.219, 6.567, 240, "Europe/Amsterdam", "9711 LM"),
    City("Arnhem", "NLD", 51.985, 5.899, 167, "Europe/Amsterdam", "6811 DG"),
    City("Bruxelles", "BEL", 50.847, 4.352, 1220, "Europe/Brussels", "1000"),
    City("Antwerpen", "BEL", 51.221, 4.400, 540, "Europe/Brussels", "2000"),
    City("Gent", "BEL", 51.054, 3.725, 268, "Europe/Brussels", "9000"),
    City("Luxembourg", "LUX", 49.611, 6.130, 134, "Europe/Luxembourg", "1150"),
    City("Paris", "FRA", 48.857, 2.352, 2100, "Europe/Paris", "75001"),
    City("Lyon", "FRA", 45.764, 4.836, 520, "Europe/Paris", "69001"),
    City("Marseille", "FRA", 43.296, 5.370, 870, "Europe/Paris", "13001"),
    City("Toulouse", "FRA", 43.605, 1.444, 500, "Europe/Paris", "31000"),
    City("Lille", "FRA", 50.629, 3.057, 235, "Europe/Paris", "59000"),
    City("Strasbourg", "FRA", 48.573, 7.752, 290, "Europe/Paris", "67000"),
    City("Nantes", "FRA", 47.218, -1.554, 320, "Europe/Paris", "44000"),
    City("Bordeaux", "FRA", 44.838, -0.579, 260, "Europe/Paris", "33000"),
    City("Zürich", "CHE", 47.377, 8.541, 430, "Europe/Zurich", "8001"),
    City("Genève", "CHE", 46.204, 6.143, 203, "Europe/Zurich", "1201"),
    City("Bern", "CHE", 46.948, 7.447, 134, "Europe/Zurich", "3011"),
    City("Wien", "AUT", 48.208, 16.373, 1980, "Europe/Vienna", "1010"),
    City("Graz", "AUT", 47.071, 15.439, 295, "Europe/Vienna", "8010"),
    City("Salzburg", "AUT", 47.810, 13.055, 157, "Europe/Vienna", "5020"),
    City("Innsbruck", "AUT", 47.269, 11.404, 132, "Europe/Vienna", "6020"),
    City("Milano", "ITA", 45.464, 9.190, 1370, "Europe/Rome", "20121"),
    City("Torino", "ITA", 45.070, 7.687, 850, "Europe/Rome", "10121"),
    City("Bologna", "ITA", 44.494, 11.343, 390, "Europe/Rome", "40121"),
    City("Roma", "ITA", 41.903, 12.496, 2750, "Europe/Rome", "00184"),
    City("Madrid", "ESP", 40.417, -3.704, 3330, "Europe/Madrid", "28001"),
    City("Barcelona", "ESP", 41.385, 2.173, 1650, "Europe/Madrid", "08001"),
    City("Valencia", "ESP", 39.470, -0.376, 800, "Europe/Madrid", "46001"),
    City("Lisboa", "PRT", 38.722, -9.139, 545, "Europe/Lisbon", "1100-148"),
    City("Porto", "PRT", 41.158, -8.629, 232, "Europe/Lisbon", "4000-322"),
    City("København", "DNK", 55.676, 12.568, 650, "Europe/Copenhagen", "1050"),
    City("Aarhus", "DNK", 56.163, 10.204, 290, "Europe/Copenhagen", "8000"),
    City("Oslo", "NOR", 59.914, 10.752, 710, "Europe/Oslo", "0150"),
    City("Bergen", "NOR", 60.393, 5.324, 290, "Europe/Oslo", "5003"),
    City("Stockholm", "SWE", 59.329, 18.069, 980, "Europe/Stockholm", "111 20"),
    City("Göteborg", "SWE", 57.709, 11.975, 600, "Europe/Stockholm", "411 03"),
    City("Malmö", "SWE", 55.605, 13.004, 360, "Europe/Stockholm", "211 22"),
    City("Helsinki", "FIN", 60.170, 24.938, 660, "Europe/Helsinki", "00100"),
    City("Warszawa", "POL", 52.230, 21.012, 1860, "Europe/Warsaw", "00-001"),
    City("Kraków", "POL", 50.065, 19.945, 800, "Europe/Warsaw", "30-001"),
    City("Praha", "CZE", 50.076, 14.438, 1360, "Europe/Prague", "110 00"),
)
