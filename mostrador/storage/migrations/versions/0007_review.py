"""What was understood of each free text and what followed, as a view; and which of it people have reviewed."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Everything is known already: the turn keeps what was understood, the inbox what was written, and the next turn, its
# tap and the people's tasks say what followed. So recording costs a turn nothing, and what is forgotten there is gone
# here, too.
VIEW = """
create view nlu_turn as
select t.id as turn_id, t.conversation_id, t.begun_at as at, heard.words as text,
       coalesce(t.explain -> 'language' ->> 'is', '') as language,
       t.intent, t.confidence, readings.found as readings,
       other.name as runner_up, other.confidence as runner_up_confidence,
       coalesce(t.explain ->> 'model', '') as model,
       form.answered as in_form,
       case when picked.reading or took_back.at_once then 'corrected'
            when asked.human then 'handed over'
            when not_served.it and next.kind = 'text' then 'rephrased'
            else 'nothing' end as followed,
       case when picked.reading then next.intent end as corrected_to
from turn t
cross join lateral (
    select string_agg(coalesce(i.message ->> 'text', ''), E'\\n' order by i.sent_at, i.id) as words,
           bool_and(i.kind = 'text') as free
    from inbox i where i.provider_id in (select jsonb_array_elements_text(t.members))
) heard
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_array(r.it ->> 'name', r.it -> 'confidence') order by r.place), '[]') as found
    from jsonb_array_elements(coalesce(t.explain -> 'ranking', '[]')) with ordinality as r (it, place)
    where r.it ->> 'name' <> 'nlu_fallback'
) readings
left join lateral (
    select r.it ->> 0 as name, cast(r.it ->> 1 as double precision) as confidence
    from jsonb_array_elements(readings.found) with ordinality as r (it, place)
    where r.it ->> 0 <> t.intent order by r.place limit 1
) other on true
cross join lateral (
    select exists (
        select from jsonb_array_elements(coalesce(t.explain -> 'actions', '[]')) as a (it)
        where a.it ->> 'name' like '%\\_form' and not a.it ? 'rejected'
    ) as answered
) form
cross join lateral (
    select t.outcome = 'apologised' or t.intent in ('nlu_fallback', 'out_of_scope') or exists (
        select from outbox o where o.turn_id = t.id
        and o.say ->> 'response' in ('utter_ask_rephrase', 'utter_inform_nowhere', 'utter_default')
    ) as it
) not_served
left join lateral (
    select n.id, n.intent, i.kind, exists (
        select from jsonb_array_elements(coalesce(n.explain -> 'actions', '[]')) as a (it)
        where a.it ->> 'name' like '%\\_form' and not a.it ? 'rejected'
    ) as in_form
    from (
        select * from turn n where n.conversation_id = t.conversation_id and n.ended_at > t.ended_at
        order by n.ended_at limit 1
    ) n
    join inbox i on i.provider_id = n.id
    where n.begun_at <= t.ended_at + interval '2 minutes'
) next on true
cross join lateral (
    select coalesce(
        next.kind = 'tap' and not_served.it
        and readings.found @> jsonb_build_array(jsonb_build_array(next.intent)), false
    ) as reading
) picked
cross join lateral (
    select coalesce(
        t.intent is distinct from next.intent
        and (next.intent in ('undo_update', 'cancel') or (next.intent = 'deny' and not next.in_form)), false
    ) as at_once
) took_back
cross join lateral (
    select coalesce(next.intent = 'request_human', false) or exists (
        select from manual_task m where m.dedup_key in (t.id || '|ask_for_human|', next.id || '|ask_for_human|')
    ) as human
) asked
where heard.free
"""


def upgrade() -> None:
    op.execute(
        """
        create table nlu_review (
            turn_id text primary key references turn (id),
            verdict varchar(10) not null,
            label text,
            language varchar(8) not null,
            sentence text not null,
            file text not null default '',
            reviewer text not null,
            at timestamptz not null,
            check (verdict in ('labelled', 'dismissed') and (verdict = 'labelled') = (label is not null))
        )
        """
    )
    op.execute("create index turn_begun on turn using brin (begun_at)")
    op.execute(VIEW)


def downgrade() -> None:
    op.execute("drop view nlu_turn")
    op.execute("drop index turn_begun")
    op.execute("drop table nlu_review")
