"""The people of the simulated Entra: 25 realistic ones, and any number for measuring.

Tenants are less tidy than examples. The 25 have names in nine scripts, one name only or none, apostrophes and percent
signs; guests whose name holds `#EXT#`; two who share a mail nickname because they are in different domains; and fields
left empty, as most are. They stand in people.json as Graph would list them.
"""

from pathlib import Path

from pydantic import TypeAdapter

from local.entra.person import Person, id_of

PEOPLE = TypeAdapter(tuple[Person, ...]).validate_json(Path(__file__).with_suffix(".json").read_bytes())

# Whom the walkthrough changes, and how. Ids, because one of them gets another name.
RENAMED = id_of("maria.silva@contoso.example")
MOVED = id_of("nguyen.huyen@contoso.example")
NEW_MANAGER_OF_MOVED = id_of("yamada.taro@contoso.example")
REHIRED = id_of("tomas.novak@contoso.example")
LEAVER = id_of("hannah.weiss@contoso.example")
DISABLED_LATER = id_of("luca.bianchi@fabrikam.example")
DISABLED_FROM_THE_START = id_of("piotr.wojcik@contoso.example")

GIVEN_NAMES = ("Ada", "Björn", "Chloé", "Dmytro", "Elif", "Fiona", "Giorgos", "Hana", "Inês", "Jun", "Kofi", "Leila")
SURNAMES = ("Abe", "Brown", "Çelik", "Dubois", "Eriksen", "Fernández", "García", "Horvat", "Ivanova", "Jansen", "Kim")
DEPARTMENTS = ("Sales", "Research", "Production", "Finance", "Legal")
OFFICES = (("Main Building", "Redmond", "United States"), ("Haus B", "München", "Germany"), ("本社", "東京", "Japan"))
REPORTS = 8  # people under one manager, in a tree whose root is person 0


def make_people(count: int) -> list[Person]:
    """Return `count` people for measuring, always the same ones: fewer people are the first of more."""
    return [_nth(index) for index in range(count)]


def _nth(index: int) -> Person:
    given_name = GIVEN_NAMES[index % len(GIVEN_NAMES)]
    surname = SURNAMES[index // len(GIVEN_NAMES) % len(SURNAMES)]
    office, city, country = OFFICES[index % len(OFFICES)]
    name = _nth_name(index)
    return Person(
        id=id_of(name),
        user_principal_name=name,
        mail=name,
        mail_nickname=name.partition("@")[0],
        display_name=f"{given_name} {surname}",
        given_name=given_name,
        surname=surname,
        job_title=f"Specialist {index % 40}",
        department=DEPARTMENTS[index % len(DEPARTMENTS)],
        company_name="Contoso",
        employee_id=f"E{index:06}",
        office_location=office,
        city=city,
        country=country,
        preferred_language="en-US",
        business_phones=(f"+1 425 {index:07}",),
        manager=id_of(_nth_name((index - 1) // REPORTS)) if index else None,
    )


def _nth_name(index: int) -> str:
    return f"user.{index:06}@contoso.example"
