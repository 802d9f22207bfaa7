"""Criteria: which of the people in scope the directory store provisions."""

from flask import Blueprint, request
from pydantic import ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.console.context import View, admin, go_saved, page, parts, texts, the_store
from shared.console.criteria_form import ROOT, Tree
from shared.rules.azure_user import AZURE_FIELDS, AzureUser
from shared.rules.criteria import Group, Operator, unknown_names, why_not
from shared.rules.guests import Guests
from shared.rules.store import Store
from shared.tables.identity_rows import Listed

blueprint = Blueprint("criteria", __name__, url_prefix="/console/stores/<store_id>/criteria")


@blueprint.route("", methods=["GET", "POST"], endpoint="page")
def criteria(store_id: str) -> View:
    store, form, wrong = the_store(store_id), texts(request.form), dict[str, str]()
    tree = Tree.of_group(store.criteria) if store.criteria else Tree()
    if request.method == "GET":
        return _criteria(store, tree, wrong)
    tree = Tree.read(form)
    if tree.changed(form.get("do", "")):
        return _criteria(store, tree, wrong, takes="matching")
    try:
        chosen = Group.model_validate(tree.as_data()) if form.get("takes") == "matching" else None
        if chosen is not None and (reasons := list(unknown_names(chosen, store.custom_names))):
            return _criteria(store, tree, {"": "; ".join(reasons)})
        parts().stores.settings.save(
            store_id,
            Section.CRITERIA,
            form.get("seen", ""),
            lambda standing: {"criteria": chosen, "guests": form.get("guests", standing.guests)},
            str(admin()),
        )
    except ValidationError as error:
        return _criteria(store, tree, _by_place(error))
    except SettingsChanged:
        store = the_store(store_id)
        return _criteria(store, Tree.of_group(store.criteria) if store.criteria else Tree(), {}, conflict=True)
    return go_saved(".page", store_id=store_id)


def _by_place(error: ValidationError) -> dict[str, str]:
    """Errors by the position of the condition in the tree, counted from 1."""
    found = dict[str, str]()
    for detail in error.errors():
        numbers = [part + 1 for part in detail["loc"] if isinstance(part, int)]
        place = f"Condition {'.'.join(map(str, numbers))}" if numbers else ""
        found.setdefault(place, detail["msg"].removeprefix("Value error, "))
    return found


def _criteria(store: Store, tree: Tree, wrong: dict[str, str], *, conflict: bool = False, takes: str = "") -> View:
    takes = takes or request.form.get("takes") or ("matching" if store.criteria else "all")
    return page(
        "console/criteria.html",
        409 if conflict else 422 if wrong else 200,
        store=store,
        tree=tree,
        root=ROOT,
        takes=takes,
        faults=wrong,
        conflict=conflict,
        seen=fingerprint(store, Section.CRITERIA),
        guests=request.form.get("guests") or store.guests,
        guest_choices=list(Guests),
        operators=[operator.value for operator in Operator],
        attributes=list(AZURE_FIELDS),
        tried=_tried(store, tree) if takes == "matching" and not wrong else [],
    )


def _tried(store: Store, tree: Tree) -> list[tuple[Listed, tuple[str, ...]]]:
    """The first people of the store, each with the reasons that would exclude them."""
    try:
        group = Group.model_validate(tree.as_data())
    except ValidationError:
        return []
    found = parts().people.identities.search(store.id, request.form.get("tried", ""), 5)
    return [
        (listed, why_not(group, person)) for listed in found if (person := _person(store.id, listed.id)) is not None
    ]


def _person(store_id: str, identity_id: str) -> AzureUser | None:
    stored = parts().people.identities.read(store_id, identity_id)
    return stored.identity.said.source if stored else None
