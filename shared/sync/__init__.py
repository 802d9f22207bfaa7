"""The flow between Entra and Zoho One: a map for a first reading.

The one contract
----------------
The bridge reconciles *levels*, not events. Whatever brings the news (a push, Graph's delta query, a click, a retry), it
is written down as **source state**; the **desired state** is computed from that; the difference between desired and
**confirmed state** is the change. So an event that comes twice, late or never changes nothing about the result: the
next one that comes, or the next cycle, finds the same difference. A change is applied under a lease, in three steps:

    mark      one transaction writes what is about to be done, as a pending change with a lease
    call      Zoho One is called
    confirm   one transaction writes what Zoho One confirmed, with the history, and takes the mark away

People and groups go the same way. apply/settlement.py has the steps; nothing else in the app changes an account or a
group in Zoho One, but mail/password_mail.py, which sets a one-time password under a lease of its own.

The way of a change, and the files in it
----------------------------------------
::

    push/       people, groups     a request of Entra's provisioning service ────────────┐
    cycles.py   cycle.py           a store's turn: read, plan, guard, apply, record      │ all of them end in
    on_demand/  people, groups     a few people or one group, chosen on a page           │ apply/settlement.py
    apply/      memberships        groups that follow a person whose account came or went┘

    source/     people, person, match, record, recompute     who is there, by Graph; written with their desired state
                scope, assigned_groups, all_groups, groups   who is assigned, and who is in which group
                reading_checkpoint                           where the next reading goes on
    desired/    people, groups, evaluation                   what Zoho One should hold; the rules are in shared/rules
    plan/       prepare                                      the one order of steps, for cycle and dry run
                people, groups, group_work, member_ids       one change for each person and group that needs one
                accounts_reading, accounts_there             all accounts in Zoho One; those that creations come upon
                group_adoption, zoho_groups, group_counts    who leaves a group that is adopted; what is in Zoho One
                drift, people_drift, group_drift             what somebody changed in Zoho One (a full cycle)
    guard/      plans, decisions                             whether a plan may pass; what an administrator decides
                admission, groups                            whether one deprovisioning or deletion may begin now
    apply/      people, groups                               a plan's changes, several at the same time
                person_settlement, group_settlement          mark, call, confirm, as far as they differ
                group_changes, person_events, group_events   what is written of a group; what the history says
                account_matches                              why a push waits: whose an account may be
                silence                                      when to stop: no answer again and again
                accounts, zoho_groups, member_accounts       the calls themselves: look first, then write

    checkpoint.py, cycle_note.py   how far a cycle came, and its lease: what another process goes on from
    run_record.py                  what pages and log show of a cycle
    progress.py                    Heartbeat, Checkpoint, Progress, Results, Steps: what the steps are given
    dry_run.py, retention.py       a plan that nobody applies; how long the past is kept
    errors.py, patience.py         why a write did not go through; waiting while another writer is there

Each folder imports from those before it alone: source and desired, plan, guard, apply, then what starts them.

The order of steps in a cycle
-----------------------------
1. cycles.py takes the store's lease and opens its note; the run that was interrupted comes before any other.
2. plan/prepare.py reads: assignments and groups (source/scope.py), people (source/people.py), and computes again where
   rules changed (source/recompute.py). An error ends the cycle here: it is never an empty directory.
3. A full cycle compares everything with Zoho One (plan/drift.py).
4. plan/prepare.py plans, from what is pending: people first, then groups. Nothing is written.
5. guard/plans.py lets the plan pass, or holds it for an administrator. Of a store that observes it keeps
   the plan, and the cycle ends here: starting the store approves that plan.
6. apply/people.py takes the people to Zoho One, kind after kind: first those who leave. Once more those whose manager
   came with it. Then apply/groups.py, when everybody new has their account.
7. run_record.py and checkpoint.py write the run and the note; the lease is given back.

When a process dies at any line
-------------------------------
=====================================  =================================================================================
before the mark is written             nothing happened: the caller repeats its request, a cycle reads the same again
after the mark, before the call        the lease ends; the next caller looks what Zoho One holds, then calls
after the call, before the answer      the same. What was sent stays with the mark until its answer is known, so that
is written                             the look tells the bridge's own change from somebody else's
after the confirmation                 all is done; groups and mails that follow were written with it, and the timer
                                       finds them
while reading                          what was read is kept before the place to go on from moves: a page is read again
between two changes of a plan          the rest is pending; the run's results are in its rows, whatever its record says
at any place in a cycle                the heartbeat stops, the lease ends after 75 seconds, and the next tick asks for
                                       a cycle that goes on with the same run (cycles.py); five such ends, and it fails
=====================================  =================================================================================

Where people and groups differ
------------------------------
A person's desired state is computed while reading, and stored: the plan is the difference that is pending. A group's
members may be 100,000, so what is to be looked at is marked while reading (tables/entra_groups.py), worked out when it
is planned and again when it is applied, and written in portions of 500. Where a person's account came or went, their
groups follow (apply/memberships.py); nothing follows a group. Either is tried again after a refusal, after five of them
once a day.

Words
-----
adopt               take over an account or group that Zoho One already has
propose             ask an administrator whether an account that Zoho One already has is a person's
cycle, full cycle   one turn of a store; once a day one that looks for drift too
checkpoint          how far a reading came; **heartbeat**: what keeps the lease while the work goes on
confirmed state     what Zoho One was last confirmed to hold
deprovisioning      a deactivation or a deletion, which the guard counts
desired state       what Zoho One should hold
drift               a difference that somebody made in Zoho One
held                a plan, or one deprovisioning, that waits for an administrator's decision
mark, pending       a change that was written down and is not confirmed; its lease says who may work on it until when
membership update   a person whose groups have to follow them
parked              refused five times, and tried once a day from then on
recompute           desired state again, because rules changed or a manager's account came
source state        what Entra says of a person or group
unmanage            stop managing an account, which stays in Zoho One
"""
