"""The reference page's own examples, each with the function it comes from, its input and its output as printed there.

Source: "Reference for writing expressions for attribute mappings in Microsoft Entra ID" (MicrosoftDocs/entra-docs,
docs/identity/app-provisioning/functions-for-customizing-application-data.md).
"""

import re
from collections.abc import Callable, Mapping

import pytest

from shared.rules.expressions import FUNCTIONS, IGNORED, Value

UPN_RULES = """
    SelectUniqueValue(
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))),
             "contoso.com"),
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 1), [PreferredLastName]))),
             "contoso.com"),
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 2), [PreferredLastName]))),
             "contoso.com")
    )
"""
JOHN_SMITH = {"PreferredFirstName": "John", "PreferredLastName": "Smith"}
PHONE = r'"\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})"'
PREFIX = 'IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))'
DIFF = "DateDiff({}, CDate([date1]), CDate([date2]))"
ADD = "DateAdd({}, CDate([StatusHireDate]))"
HIRED = {"StatusHireDate": "2012-03-16-07:00"}
STATES = (
    'Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", '
    '"Australia/Adelaide")'
)
MANAGERS = (
    "Switch(IsPresent([directManager]),[directManager], IsPresent([skiplevelManager]),[skiplevelManager], "
    "IsPresent([director]),[director])"
)
AND = 'IIF([country]="USA",IIF([state]="CA","True","False"),"False")'
OR = 'IIF([country]="USA","True",IIF([state]="CA","True","False"))'
UPN = (
    'ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), '
    '"contoso.com"))'
)
ACTIVE = (
    'Switch([Active], , "1", IIF(DateDiff("d", Now(), CDate([StatusHireDate])) > 5, "False", "True"), "0", "False")'
)

type Row = tuple[str, str, Mapping[str, Value], object]

ROWS: list[Row] = [
    ("Append", 'Append([userPrincipalName], ".test")', {"userPrincipalName": "John.Doe@contoso.com"},
     "John.Doe@contoso.com.test"),
    ("AppRoleAssignmentsComplex", "AppRoleAssignmentsComplex([appRoleAssignments])",
     {"appRoleAssignments": ("Admin", "User")}, ("Admin", "User")),
    ("BitAnd", "BitAnd(&HF, &HF7)", {}, 7),
    ("CBool", "CBool([attribute1] = [attribute2])", {"attribute1": "a", "attribute2": "a"}, True),
    ("CBool", "CBool([attribute1] = [attribute2])", {"attribute1": "a", "attribute2": "b"}, False),
    ("CDate", "CDate([StatusHireDate])", {"StatusHireDate": "2020-03-16-07:00"}, "3/16/2020 7:00:00 AM"),
    ("CDate", 'CDate("2021-06-30+08:00")', {}, "6/29/2021 4:00:00 PM"),
    ("CDate", 'CDate("2009-06-15T01:45:30-07:00")', {}, "6/15/2009 8:45:30 AM"),
    ("Coalesce", "Coalesce([mail],[userPrincipalName])", {"userPrincipalName": "John.Doe@contoso.com"},
     "John.Doe@contoso.com"),
    ("ConvertToBase64", 'ConvertToBase64("Hello world!")', {}, "SABlAGwAbABvACAAdwBvAHIAbABkACEA"),
    ("ConvertToUTF8Hex", 'ConvertToUTF8Hex("Hello world!")', {}, "48656C6C6F20776F726C6421"),
    ("Count", "Count([attribute])", {"attribute": ("a", "b", "c")}, 3),
    ("CStr", "CStr([dn])", {"dn": "cn=Joe,dc=contoso,dc=com"}, "cn=Joe,dc=contoso,dc=com"),
    ("DateAdd", ADD.format('"d", 7'), HIRED, "3/23/2012 7:00:00 AM"),
    ("DateAdd", ADD.format('"d", -10'), HIRED, "3/6/2012 7:00:00 AM"),
    ("DateAdd", ADD.format('"ww", 2'), HIRED, "3/30/2012 7:00:00 AM"),
    ("DateAdd", ADD.format('"m", 10'), HIRED, "1/16/2013 7:00:00 AM"),
    ("DateAdd", ADD.format('"yyyy", 2'), HIRED, "3/16/2014 7:00:00 AM"),
    ("DateDiff", DIFF.format('"d"'), {"date1": "2021-08-18+08:00", "date2": "2021-08-31+08:00"}, 13),
    ("DateDiff", DIFF.format('"d"'), {"date1": "8/25/2021 5:41:18 PM", "date2": "2012-03-16-07:00"}, -3449),
    ("DateDiff", DIFF.format('"ww"'), {"date1": "8/25/2021 5:41:18 PM", "date2": "2012-03-16-07:00"}, -493),
    ("DateDiff", DIFF.format('"m"'), {"date1": "8/25/2021 5:41:18 PM", "date2": "2012-03-16-07:00"}, -113),
    ("DateDiff", DIFF.format('"yyyy"'), {"date1": "8/25/2021 5:41:18 PM", "date2": "2012-03-16-07:00"}, -9),
    ("DateDiff", DIFF.format('"d"'), {"date1": "2021-08-31+08:00", "date2": "2021-08-31+08:00"}, 0),
    ("DateDiff", DIFF.format('"h"'), {"date1": "2021-08-24", "date2": "2021-08-25"}, 24),
    ("DateDiff", DIFF.format('"n"'), {"date1": "2021-08-24", "date2": "2021-08-25"}, 1440),
    ("DateDiff", DIFF.format('"s"'), {"date1": "2021-08-24", "date2": "2021-08-25"}, 86400),
    ("DateDiff", 'DateDiff("d", Now(), CDate([StatusHireDate]))', HIRED, -3449),
    ("DateDiff", ACTIVE, {"Active": "1", "StatusHireDate": "2021-08-28"}, "True"),
    ("DateDiff", ACTIVE, {"Active": "1", "StatusHireDate": "2021-10-01"}, "False"),
    ("DateDiff", ACTIVE, {"Active": "0", "StatusHireDate": "2021-08-28"}, "False"),
    ("DateFromNum", "DateFromNum(129699324000000000)", {}, "1/1/2012 11:00:00 PM"),
    ("DateFromNum", "DateFromNum([lastLogonTimestamp])", {"lastLogonTimestamp": "129699324000000000"},
     "1/1/2012 11:00:00 PM"),
    ("FormatDateTime", 'FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")',
     {"extensionAttribute1": "20150123105347.1Z"}, "2015-01-23"),
    ("Guid", "Guid()", {}, re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")),
    ("IgnoreFlowIfNullOrEmpty", "IgnoreFlowIfNullOrEmpty([department])", {}, IGNORED),
    ("IgnoreFlowIfNullOrEmpty", "IgnoreFlowIfNullOrEmpty([department])", {"department": ""}, IGNORED),
    ("IgnoreFlowIfNullOrEmpty", "IgnoreFlowIfNullOrEmpty([department])", {"department": "Sales"}, "Sales"),
    ("IgnoreFlowIfNullOrEmpty", PREFIX, {"prefix": "3444"}, "Prof."),
    ("IgnoreFlowIfNullOrEmpty", PREFIX, {"prefix": "9"}, IGNORED),
    ("IIF", 'IIF([country]="USA",[country],[department])', {"country": "USA", "department": "Sales"}, "USA"),
    ("IIF", 'IIF([country]="USA",[country],[department])', {"country": "India", "department": "Sales"}, "Sales"),
    ("IIF", AND, {"country": "USA", "state": "CA"}, "True"),
    ("IIF", AND, {"country": "USA", "state": "NY"}, "False"),
    ("IIF", OR, {"country": "India", "state": "CA"}, "True"),
    ("IIF", OR, {"country": "India", "state": "NY"}, "False"),
    # the unsupported ones: the check fails, which is taken to give valueIfFalse
    ("IIF", 'IIF([country]="","Other",[country])', {"country": ""}, ""),
    ("IIF", 'IIF(IsNullOrEmpty([country]),"Other",[country])', {}, None),
    ("IIF", 'IIF(IsPresent([country]),[country],"Other")', {}, "Other"),
    ("IIF", 'Switch([country],[country],"","Other")', {}, "Other"),
    ("IIF", 'Switch([country],[country],"","Other")', {"country": "India"}, "India"),
    ("InStr", 'InStr("The quick brown fox","quick")', {}, 5),
    ("InStr", 'InStr("repEated","e",3,vbBinaryCompare)', {}, 7),
    ("IsNull", "IsNull([displayName])", {}, True),
    ("IsNull", "IsNull([displayName])", {"displayName": "John"}, False),
    ("IsNullOrEmpty", "IsNullOrEmpty([displayName])", {}, True),
    ("IsNullOrEmpty", "IsNullOrEmpty([displayName])", {"displayName": ""}, True),
    ("IsPresent", "IsPresent([displayName])", {"displayName": "John"}, True),
    ("IsPresent", MANAGERS, {"directManager": "Ann", "skiplevelManager": "Bob"}, "Bob"),
    ("IsPresent", MANAGERS, {"directManager": "Ann"}, "Ann"),
    ("IsString", "IsString([displayName])", {"displayName": "John"}, True),
    ("Item", "Item([proxyAddresses], 1)", {"proxyAddresses": ("SMTP:a@b.c", "smtp:d@b.c")}, "SMTP:a@b.c"),
    ("Join", 'Join(", ", "", [surname], [givenName])', {"givenName": "John", "surname": "Doe"}, "Doe, John"),
    ("Join", 'Join(";", [otherMails])', {"otherMails": ("a@b.c", "d@b.c")}, "a@b.c;d@b.c"),
    # the page prints another output, which cannot come from the input it prints
    ("Join", 'Join("", 1000, Replace(ConvertToUTF8Hex([objectId]), , "[a-zA-Z_]*", , "", , ))',
     {"objectId": "00aa00aa-bb11-cc22-dd33-44ee44ee44ee"},
     "1000" + "3030616130306161" + "2" + "62623131" + "2" + "63633232" + "2" + "64643333" + "2" + "34346565" * 3),
    ("Left", 'Left("John Doe", 3)', {}, "Joh"),
    ("Mid", "Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))", {"givenName": "John", "surname": "Doe"}, "JohDoe"),
    ("NormalizeDiacritics", "NormalizeDiacritics([givenName])", {"givenName": "Zoë"}, "Zoe"),
    ("Not", "Not([IsSoftDeleted])", {"IsSoftDeleted": "True"}, False),
    ("Not", "Not([IsSoftDeleted])", {"IsSoftDeleted": False}, True),
    ("Now", "Now()", {}, "8/25/2021 5:41:18 PM"),
    ("NumFromDate",
     'NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))',
     {"ContractEndDate": "2020-12-31-08:00"}, 132539615990000000),
    ("NumFromDate",
     'NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))',
     {"endDate": "12/31/2020 12:00:00 AM"}, 132539615990000000),
    ("PCase", "PCase([firstName])", {"firstName": "PABLO GONSALVES (SECOND)"}, "Pablo Gonsalves (Second)"),
    ("PCase", "PCase([lastName],\" '-\")", {"lastName": "PINTO-DE'SILVA"}, "Pinto-De'Silva"),
    ("PCase", 'PCase(Join(" ",[firstName],[lastName]))', {"firstName": "GREGORY", "lastName": "JAMES"},
     "Gregory James"),
    ("RandomString", "RandomString(6,3,0,0,3)", {}, re.compile(r"(?=(.*[0-9]){3})(?=(.*[a-z]){3}).{6}")),
    ("RandomString", 'RandomString(10,2,2,2,1,"?,")', {},
     re.compile(r"(?=(.*[0-9]){2})(?=(.*[^0-9A-Za-z]){2})(?=(.*[A-Z]){2})(?=.*[a-z])[^?,]{10}")),
    ("Redact", "Redact([userPrincipalName])", {"userPrincipalName": "a@b.c"}, "a@b.c"),
    ("Redact", 'Redact("StringToBeRedacted")', {}, "StringToBeRedacted"),
    ("Redact", "Redact(RandomString(6,3,0,0,3))", {}, re.compile(r"[0-9a-z]{6}")),
    ("RemoveDuplicates", "RemoveDuplicates([proxyAddresses])", {"proxyAddresses": ("a", "b", "a")}, ("a", "b")),
    ("Replace", 'Replace([BusinessTitle],"Product Developer", , , "Software Engineer", , )',
     {"BusinessTitle": "Product Developer"}, "Software Engineer"),
    ("Replace", 'Replace([UserID],"<username>", , , , , "<username>@contoso.com")', {"UserID": "jsmith"},
     "jsmith@contoso.com"),
    ("Replace", f'Replace([telephoneNumber], , {PHONE}, , "${{phoneNumber}}", , )',
     {"telephoneNumber": "+91 9998887777"}, "9998887777"),
    # the page prints 19998887777, but its own pattern does not match the plus sign
    ("Replace", r'Replace([mobile], , "[()\\s-]+", , "", , )', {"mobile": "+1 (999) 888-7777"}, "+19998887777"),
    ("Replace", r'Replace([AddressLineData], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )',
     {"AddressLineData": "545 Tremont Street"}, "888 Tremont Street"),
    ("Replace", 'Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )',
     {"userPrincipalName": "jsmith@contoso.com"}, "jsmith"),
    ("Replace", f'Replace([telephoneNumber], , {PHONE}, "phoneNumber" , , [mobile], )',
     {"telephoneNumber": "", "mobile": "+91 8887779999"}, "8887779999"),
    ("Replace", 'Replace([mailNickname], , "[a-zA-Z_]*", , "", , )', {"mailNickname": "john_doe72"}, "72"),
    ("Replace", 'Replace([mail], "@contoso.com", , ,"", ,)', {"mail": "john.doe@contoso.com"}, "john.doe"),
    ("SelectUniqueValue", UPN_RULES, JOHN_SMITH, "John.Smith@contoso.com"),
    ("SingleAppRoleAssignment", "SingleAppRoleAssignment([appRoleAssignments])", {"appRoleAssignments": ("Admin",)},
     "Admin"),
    ("Split", 'Split([extensionAttribute5], ",")', {"extensionAttribute5": "PermissionSetOne, PermissionSetTwo"},
     ("PermissionSetOne", "PermissionSetTwo")),
    ("StripSpaces", "StripSpaces([displayName])", {"displayName": "John  van Doe"}, "JohnvanDoe"),
    ("Switch", STATES, {"state": "QLD"}, "Australia/Brisbane"),
    ("Switch", STATES, {"state": "qld"}, "Australia/Sydney"),
    ("Switch", 'Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")', {"statusFlag": "TRUE"}, "1"),
    ("Switch", 'Switch([statusFlag], "Default Value", "true", "1", "", "0")', {}, "0"),
    ("Switch", 'switch([companyName], "External", "Company A", "A", "Company B", "B")', {"companyName": "Company B"},
     "B"),
    ("Switch", 'IIF([companyName] = "Company A", "A", IIF([companyName] = "Company B", "B", "External"))',
     {"companyName": "Company B"}, "B"),
    ("Switch", 'Switch([IsSoftDeleted], , "False", "True", "True", "False")', {"IsSoftDeleted": False}, "True"),
    ("Switch", 'Switch([IsSoftDeleted], , "False", "True", "True", "False")', {"IsSoftDeleted": "True"}, "False"),
    ("ToLower", UPN, JOHN_SMITH, "john.smith@contoso.com"),
    ("ToUpper", "ToUpper([surname])", {"surname": "Doe"}, "DOE"),
    ("Word", 'Word("The quick brown fox",3," ")', {}, "brown"),
    ("Word", 'Word("This,string!has&many separators",3,",!&#")', {}, "has"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "text", "attributes", "expected"), ROWS)
def test_reference_example(
    answer: Callable[..., object], function: str, text: str, attributes: Mapping[str, Value], expected: object
) -> None:
    got = answer(text, attributes)
    if isinstance(expected, re.Pattern):
        assert isinstance(got, str)
        assert expected.fullmatch(got)
    else:
        assert (type(got), got) == (type(expected), expected)


def test_every_function_of_the_page_has_an_example() -> None:
    assert {row[0] for row in ROWS} == {name for name, function in FUNCTIONS.items() if not function.page}


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (["John.Smith@contoso.com"], "J.Smith@contoso.com"),
        (["John.Smith@contoso.com", "J.Smith@contoso.com"], "Jo.Smith@contoso.com"),
    ],
)
def test_select_unique_value_tries_its_rules_in_turn(
    answer: Callable[..., object], taken: list[str], expected: str
) -> None:
    assert answer(UPN_RULES, JOHN_SMITH, taken) == expected
