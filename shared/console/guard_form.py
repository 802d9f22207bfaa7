"""The guard's form: the limits as an administrator types them."""

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from shared.console.context import none_if_empty
from shared.model import Model
from shared.rules.former import Adoptions
from shared.rules.guard_limits import GuardLimits


class GuardForm(Model):
    """The limits as typed."""

    model_config = ConfigDict(extra="ignore")

    leavings_count: int
    leavings_percent: float
    leavings_share_percent: Annotated[float | None, BeforeValidator(none_if_empty)]
    leavings_share_of_at_least: Annotated[int | None, BeforeValidator(none_if_empty)]
    leavings_most: Annotated[int | None, BeforeValidator(none_if_empty)]
    members_count: int
    members_percent: float
    groups_count: int
    groups_percent: float
    groups_share: float
    groups_most: int
    creations: Annotated[int | None, BeforeValidator(none_if_empty)] = None
    one_field_count: int
    one_field_percent: float
    adopted_count: int
    adopted_percent: float
    adoptions: Adoptions = Adoptions.HOLD

    @property
    def limits(self) -> GuardLimits:
        """The store's limits. Raises pydantic.ValidationError, also if half a share is missing."""
        share = {"percent": self.leavings_share_percent, "of_at_least": self.leavings_share_of_at_least}
        return GuardLimits.model_validate(
            {
                "leavings": {"count": self.leavings_count, "percent": self.leavings_percent},
                "leavings_share": None if set(share.values()) == {None} else share,
                "leavings_most": self.leavings_most,
                "members": {"count": self.members_count, "percent": self.members_percent},
                "groups": {
                    "count": self.groups_count,
                    "percent": self.groups_percent,
                    "share": self.groups_share,
                    "most": self.groups_most,
                },
                "creations": self.creations,
                "one_field": {"count": self.one_field_count, "percent": self.one_field_percent},
                "adopted": {"count": self.adopted_count, "percent": self.adopted_percent},
                "adoptions": self.adoptions,
            }
        )


def boxes_of(limits: GuardLimits) -> dict[str, object]:
    """The limits as the boxes show them."""
    share = limits.leavings_share
    return {
        "leavings_count": limits.leavings.count,
        "leavings_percent": f"{limits.leavings.percent:g}",
        "leavings_share_percent": f"{share.percent:g}" if share else None,
        "leavings_share_of_at_least": share.of_at_least if share else None,
        "leavings_most": limits.leavings_most,
        "members_count": limits.members.count,
        "members_percent": f"{limits.members.percent:g}",
        "groups_count": limits.groups.count,
        "groups_percent": f"{limits.groups.percent:g}",
        "groups_share": f"{limits.groups.share:g}",
        "groups_most": limits.groups.most,
        "creations": limits.creations,
        "one_field_count": limits.one_field.count,
        "one_field_percent": f"{limits.one_field.percent:g}",
        "adopted_count": limits.adopted.count,
        "adopted_percent": f"{limits.adopted.percent:g}",
        "adoptions": limits.adoptions,
    }
