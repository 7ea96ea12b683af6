"""What English speakers call countries whose entry in the table of cities is formal, inverted or outdated."""

from __future__ import annotations

_COMMON = {
    "AX": "Åland",
    "BL": "Saint Barthélemy",
    "BN": "Brunei",
    "BQ": "Caribbean Netherlands",
    "CC": "Cocos Islands",
    "CD": "Democratic Republic of the Congo",
    "CG": "Republic of the Congo",
    "CI": "Ivory Coast",
    "CW": "Curaçao",
    "CZ": "Czechia",
    "FK": "Falkland Islands",
    "FM": "Micronesia",
    "HK": "Hong Kong",
    "IR": "Iran",
    "KP": "North Korea",
    "KR": "South Korea",
    "LA": "Laos",
    "LY": "Libya",
    "MD": "Moldova",
    "MK": "North Macedonia",
    "MO": "Macau",
    "PN": "Pitcairn Islands",
    "PS": "Palestine",
    "RE": "Réunion",
    "RU": "Russia",
    "ST": "São Tomé and Príncipe",
    "SY": "Syria",
    "SZ": "Eswatini",
    "TF": "French Southern Territories",
    "TZ": "Tanzania",
    "VA": "Vatican City",
    "VG": "British Virgin Islands",
    "VI": "United States Virgin Islands",
}
_WITH_ARTICLE = frozenset(
    {
        "Bahamas",
        "Caribbean Netherlands",
        "Comoros",
        "French Southern Territories",
        "Gambia",
        "Isle of Man",
        "Maldives",
    }
    | {"Netherlands", "Philippines"}
)


def common_name(code: str, listed: str) -> str:
    """The everyday name of the country with this ISO 3166 code; `listed` is what the table calls it."""
    return _COMMON.get(code, listed)


def with_article(country: str) -> str:
    """`the Netherlands`, `the United States`, `Portugal`."""
    takes_one = (
        country in _WITH_ARTICLE
        or country.startswith(("United ", "British ", "Republic ", "Democratic Republic "))
        or country.endswith((" Islands", " Republic"))
    )
    return f"the {country}" if takes_one else country
