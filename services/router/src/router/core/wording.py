"""The sentences of a decision, in the languages that supervisors read."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Language = Literal["en", "ja"]


class Wording(Struct, frozen=True, kw_only=True):
    """Every sentence that a decision may say; names in braces are filled in."""

    # rules
    conditions_hold: str
    conditions_hold_words: str  # words
    condition_fails: str  # condition
    condition_cannot: str  # condition, error
    # contracts
    contract_counts: str  # plan
    contract_beaten: str  # contract, plan
    contract_suspended: str
    contract_cancelled: str
    contract_future: str  # date
    contract_expired: str  # date
    contract_channel: str  # channel
    contract_product: str  # product
    contract_plan: str  # plan
    contract_skill: str  # contract
    contract_shared: str  # reason
    # priority
    priority_plan: str  # plan
    priority_tier: str  # tier, sentence
    priority_words: str  # words
    priority_case: str  # points
    # skills
    rule_skill: str  # rule, sentence
    message_skill: str
    queue_skill: str  # queue
    case_skill: str
    # queues
    queue_because: str  # why, note
    queue_rule: str  # rule, sentence
    queue_overflow: str  # queue, rule
    queue_previous: str
    queue_default: str
    queue_stays: str
    queue_closed: str  # opens
    queue_waits: str  # opens
    queue_unstaffed: str
    queue_unqualified: str  # skills
    staff_unknown: str
    staff_known: str  # count, all
    # offers
    offer_because: Mapping[str, str]  # by assignment.Why
    agent_left: str
    agent_retired: str
    agent_picked: str
    offer_overtaken: str
    agent_of_other_queues: str  # agent, queue
    agent_unqualified: str  # agent, skills
    agent_not_there: str  # agent
    agent_full: str  # agent
    agent_forced: str  # reason, obstacle
    # what time alone changes
    hold_over: str
    waited_relaxed: str  # minutes
    waited_overflow: str  # queue, minutes
    agent_gone: str  # minutes
    case_of_gone: str  # minutes
    # what became known later
    cause_profile: str  # reference
    cause_account: str  # account
    cause_merged: str
    cause_unmerged: str
    nothing_new: str
    # low answers
    survey_low: str  # survey, answer, at_most, case
    survey_not_low: str
    survey_subject: str  # answer, subject
    # messages that are not routed
    outbound: str
    never_routed: str  # kind
    follows_nothing: str  # kind
    follows: str  # kind


EN = Wording(
    conditions_hold="all its conditions hold",
    conditions_hold_words="all its conditions hold; found: {words}",
    condition_fails="does not hold: {condition}",
    condition_cannot="cannot be answered for this message: {condition} ({error})",
    contract_counts="in force and covers the message: plan {plan}",
    contract_beaten="in force, but {contract} (plan {plan}) promises an earlier answer",
    contract_suspended="suspended",
    contract_cancelled="cancelled",
    contract_future="begins only at {date}",
    contract_expired="ended at {date}",
    contract_channel="does not cover the channel {channel}",
    contract_product="does not cover the product {product}",
    contract_plan="names the plan {plan}, which the rules do not know",
    contract_shared="the account's: {reason}",
    contract_skill="promised by contract {contract}",
    priority_plan="plan {plan}",
    priority_tier="tier {tier}: {sentence}",
    priority_words="words of urgency: {words}",
    priority_case="the case already has this priority; this message alone would have {points}",
    rule_skill="rule {rule} ({sentence})",
    message_skill="the message itself asks for it",
    queue_skill="whoever answers from queue {queue} needs it",
    case_skill="the case already needs it",
    queue_because="{why}: {note}",
    queue_rule="rule {rule} ({sentence})",
    queue_overflow="takes what {queue} cannot (rule {rule})",
    queue_previous="the case was here before it was resolved",
    queue_default="the default queue takes what nobody else does",
    queue_stays="the case already waits here",
    queue_closed="closed, opens {opens}",
    queue_waits="closed, waits here until it opens {opens}",
    queue_unstaffed="open, but nobody is signed in",
    queue_unqualified="open, but nobody signed in has {skills}",
    staff_unknown="open, taken as staffed",
    staff_known="open, {count} of {all} skill profiles signed in qualify",
    offer_because={
        "knows_customer": "knows the customer",
        "free_longest": "qualifies and has been free longest",
    },
    agent_left="the agent is not there any more",
    agent_retired="the agent works here no longer",
    agent_picked="the agent took it from the queue",
    offer_overtaken="somebody has decided otherwise",
    agent_of_other_queues="{agent} does not answer from {queue}",
    agent_unqualified="{agent} lacks {skills}",
    agent_not_there="{agent} is not signed in",
    agent_full="{agent} has no room for it",
    agent_forced="{reason} (although {obstacle})",
    hold_over="the time for which it was held is over",
    waited_relaxed="nobody was free for {minutes} minutes: less is asked of whoever answers",
    waited_overflow="waited in {queue} for {minutes} minutes",
    agent_gone="no sign of life for {minutes} minutes",
    case_of_gone="the agent has been away for {minutes} minutes",
    cause_profile="the profile {reference} became known",
    cause_account="the contracts of account {account} became known",
    cause_merged="the contact was found to be the customer's",
    cause_unmerged="the contact was found to be somebody else's",
    nothing_new="what became known changes nothing",
    survey_low="survey {survey} about case {case} was answered with {answer}, at most {at_most}",
    survey_not_low="no survey of the rules takes this answer for low",
    survey_subject="low rating ({answer}): {subject}",
    outbound="the company wrote it",
    never_routed="a message of kind {kind} asks nobody for anything",
    follows_nothing="a message of kind {kind} joins an open case and there is none",
    follows="a message of kind {kind} belongs to the open case and changes nothing",
)

JA = Wording(
    conditions_hold="条件がすべて成り立つ",
    conditions_hold_words="条件がすべて成り立つ(見つかった言葉: {words})",
    condition_fails="成り立たない: {condition}",
    condition_cannot="このメッセージでは判定できない: {condition} ({error})",
    contract_counts="有効で、このメッセージを対象とする: プラン {plan}",
    contract_beaten="有効だが、{contract}(プラン {plan})のほうが早い回答を約束している",
    contract_suspended="停止中",
    contract_cancelled="解約済み",
    contract_future="開始前({date} から)",
    contract_expired="終了({date} まで)",
    contract_channel="チャネル {channel} は対象外",
    contract_product="製品 {product} は対象外",
    contract_plan="プラン {plan} がルールにない",
    contract_shared="取引先の契約: {reason}",
    contract_skill="契約 {contract} による約束",
    priority_plan="プラン {plan}",
    priority_tier="顧客区分 {tier}: {sentence}",
    priority_words="急ぎを示す言葉: {words}",
    priority_case="案件の優先度を保つ(このメッセージだけなら {points})",
    rule_skill="ルール {rule}({sentence})",
    message_skill="メッセージ自身が求めている",
    queue_skill="キュー {queue} の担当者に必要",
    case_skill="案件がすでに求めている",
    queue_because="{why}: {note}",
    queue_rule="ルール {rule}({sentence})",
    queue_overflow="{queue} で受けられない分を引き受ける(ルール {rule})",
    queue_previous="解決前に案件があったキュー",
    queue_default="どこにも入らないものを受ける既定のキュー",
    queue_stays="案件がすでにここで待っている",
    queue_closed="受付時間外({opens} から)",
    queue_waits="受付時間外、開くまでここで待つ({opens} から)",
    queue_unstaffed="受付中だが、担当者がいない",
    queue_unqualified="受付中だが、{skills} を満たす担当者がいない",
    staff_unknown="受付中(担当者はいるものとする)",
    staff_known="受付中、担当者のスキル構成 {all} 種のうち {count} 種が条件を満たす",
    offer_because={
        "knows_customer": "このお客様を知っている担当者",
        "free_longest": "条件を満たし、いちばん長く手が空いている担当者",
    },
    agent_left="担当者が席を離れた",
    agent_retired="担当者が担当を外れた",
    agent_picked="担当者がキューから選んだ",
    offer_overtaken="ほかの人が先に決めた",
    agent_of_other_queues="{agent} は {queue} を担当していない",
    agent_unqualified="{agent} は {skills} を満たさない",
    agent_not_there="{agent} は在席していない",
    agent_full="{agent} に空きがない",
    agent_forced="{reason}({obstacle}が、あえて割り当てた)",
    hold_over="保留の期限が来た",
    waited_relaxed="{minutes} 分間担当者が空かないため、求める条件を緩めた",
    waited_overflow="キュー {queue} で {minutes} 分待った",
    agent_gone="{minutes} 分間応答がない",
    case_of_gone="担当者が {minutes} 分間戻らない",
    cause_profile="顧客情報 {reference} が届いた",
    cause_account="取引先 {account} の契約が届いた",
    cause_merged="連絡先がこのお客様のものと分かった",
    cause_unmerged="連絡先が別のお客様のものと分かった",
    nothing_new="分かったことで変わるものはない",
    survey_low="案件 {case} についてのアンケート {survey} への回答が {answer}({at_most} 以下)",
    survey_not_low="この回答を低いとするアンケートがルールにない",
    survey_subject="低い評価({answer}): {subject}",
    outbound="会社が送ったメッセージ",
    never_routed="種別 {kind} は誰にも対応を求めていない",
    follows_nothing="種別 {kind} は対応中の案件に加わるが、その案件がない",
    follows="種別 {kind} は対応中の案件に属し、何も変えない",
)

WORDINGS: dict[Language, Wording] = {"en": EN, "ja": JA}
