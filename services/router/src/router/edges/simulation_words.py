"""The words of a simulation's report, in English and Japanese."""

from msgspec import Struct

from router.core.wording import Language


class Words(Struct, frozen=True, kw_only=True):
    """Everything that the report says. What stands in braces is filled in."""

    title: str
    asked_recorded: str
    asked_load: str
    versus: str
    queues: str
    queues_note: str
    agents: str
    agents_note: str
    moves: str
    moves_note: str
    examples: str
    examples_note: str
    staffing: str
    staffing_note: str
    depth: str
    depth_note: str
    depth_of: str
    waits: str
    waits_note: str
    load: str
    load_note: str
    notes: str
    queue: str
    all_queues: str
    arrived: str
    taken: str
    left: str
    waiting: str
    mean: str
    p50: str
    p90: str
    p99: str
    first_response: str
    resolution: str
    deepest: str
    agent: str
    team: str
    people: str
    signed_in: str
    accepted: str
    occupancy: str
    message: str
    current: str
    candidate: str
    from_queue: str
    to_queue: str
    count: str
    decided: str
    priority: str
    skills: str
    rules: str
    nobody: str
    time_of_day: str
    cases_waiting: str
    agents_axis: str
    every_agent: str
    hours: str
    minutes: str
    seconds: str
    assumed: str
    learnt: str
    endless: str
    replayed: str
    nobody_there: str


EN = Words(
    title="What would happen",
    asked_recorded="{candidate}, on what was recorded from {start} to {end}",
    asked_load="{candidate}, on the generated load of {load} (seed {seed}), from {start} to {end}",
    versus="; compared with {current}; where two figures differ: {current} → {candidate}",
    queues="Queues",
    queues_note="A case counts in the queue where it was last. A wait runs from arrival until an agent "
    "accepts. Kept: of the cases whose promise is "
    "decided, the share within it.",
    agents="Teams",
    agents_note="Occupancy: the share of capacity in use, wrap-up included, while signed in.",
    moves="Messages that go to another queue",
    moves_note="{moved} of {messages} messages go to another queue; {changed} stay and are weighed "
    "otherwise.",
    examples="Both decisions, side by side",
    examples_note="The first {shown} of {all}.",
    staffing="How many people",
    staffing_note="The team {team}, over {runs} runs with the same customers in each row. Its queues "
    "may be answered by other teams, too.",
    depth="Cases waiting over time",
    depth_note="The most that waited in each interval of {minutes} minutes.",
    depth_of="{queue}: at most {highest} cases waiting",
    waits="The wait that nine of ten did not exceed",
    waits_note="In each queue, of those whom an agent took.",
    load="How busy the agents are",
    load_note="How many agents are occupied to which degree.",
    notes="What to keep in mind",
    queue="queue",
    all_queues="all queues",
    arrived="arrived",
    taken="taken",
    left="gave up",
    waiting="still waiting",
    mean="mean wait",
    p50="median",
    p90="90 %",
    p99="99 %",
    first_response="first response kept",
    resolution="resolution kept",
    deepest="most waiting",
    agent="agent",
    team="team",
    people="people",
    signed_in="signed in",
    accepted="cases",
    occupancy="occupancy",
    message="message",
    current="current",
    candidate="candidate",
    from_queue="from",
    to_queue="to",
    count="messages",
    decided="decision",
    priority="priority {points}",
    skills="asks for {skills}",
    rules="rules: {rules}",
    nobody="–",
    time_of_day="time",
    cases_waiting="cases",
    agents_axis="agents",
    every_agent="Every agent",
    hours="{hours}h{minutes:02}m",
    minutes="{minutes}m{seconds:02}s",
    seconds="{seconds}s",
    assumed="Assumed: whoever accepts a case answers at once and works on it without a break; "
    "nobody calls in sick; customers write what and when the load file or the record says, whatever "
    "the rules do. docs/simulation.md says what follows from that.",
    learnt="How long a case takes is recorded for {known} of {all} cases; the others take the median of "
    "their queue's.",
    endless="How long customers would have waited is not recorded: here nobody gives up.",
    replayed="Made again from what was recorded, {same} decisions are equal to the recorded ones byte "
    "for byte; {differing} differ; {others} were made under other rules.",
    nobody_there="No agent was recorded at that time, so nobody takes any case.",
)
JA = Words(
    title="もし、このルールだったら",
    asked_recorded="{candidate} を、{start} から {end} までの記録で試した結果",
    asked_load="{candidate} を、{load} の想定（乱数の種 {seed}）で {start} から {end} まで試した結果",
    versus="。{current} との比較で、値が異なるところは {current} → {candidate} の順に示します",
    queues="キュー",
    queues_note="案件は最後にいたキューに数えます。待ち時間は、届いてから担当者が引き受けるまで。達成率は、期限内かどうかが決まった案件のうち"
    "期限内だった割合。",
    agents="チーム",
    agents_note="稼働率は、ログイン中の対応可能数のうち、案件と後処理に使った割合。",
    moves="別のキューへ行くメッセージ",
    moves_note="{messages} 件のうち {moved} 件が別のキューへ行き、{changed} 件は同じキューのまま重みが変わります。",
    examples="二つの判断を並べて",
    examples_note="{all} 件のうち最初の {shown} 件。",
    staffing="必要な人数",
    staffing_note="チーム {team}。{runs} 回の試行の合計で、どの行も同じお客様です。同じキューに他のチームが"
    "応対することもあります。",
    depth="待っている案件の推移",
    depth_note="{minutes} 分ごとの、最も多かったときの件数。",
    depth_of="{queue}：最多 {highest} 件",
    waits="十人中九人までの待ち時間",
    waits_note="キューごと。担当者が引き受けた案件について。",
    load="担当者の忙しさ",
    load_note="稼働率ごとの担当者の人数。",
    notes="読むときの注意",
    queue="キュー",
    all_queues="全キュー",
    arrived="到着",
    taken="応対",
    left="離脱",
    waiting="未応対",
    mean="平均待ち",
    p50="中央値",
    p90="90 %",
    p99="99 %",
    first_response="初回応答の達成率",
    resolution="解決の達成率",
    deepest="最多の待ち",
    agent="担当者",
    team="チーム",
    people="人数",
    signed_in="ログイン",
    accepted="案件",
    occupancy="稼働率",
    message="メッセージ",
    current="現行",
    candidate="候補",
    from_queue="元のキュー",
    to_queue="行き先",
    count="件数",
    decided="判断",
    priority="優先度 {points}",
    skills="求めるスキル {skills}",
    rules="ルール：{rules}",
    nobody="－",
    time_of_day="時刻",
    cases_waiting="件",
    agents_axis="人",
    every_agent="担当者ごと",
    hours="{hours}時間{minutes:02}分",
    minutes="{minutes}分{seconds:02}秒",
    seconds="{seconds}秒",
    assumed="前提：引き受けた担当者はすぐに応答し、休まず対応する。欠勤はない。お客様はルールによらず、"
    "記録または想定のとおりに書く。ここから何が言えて何が言えないかは docs/simulation.md にあります。",
    learnt="対応時間の記録があるのは {all} 件のうち {known} 件です。ほかの案件は同じキューの中央値としました。",
    endless="お客様がいつまで待てたかは記録にないため、ここでは誰も離脱しません。",
    replayed="記録から判断をやり直すと、{same} 件がバイト単位で一致し、{differing} 件が異なり、{others} 件は別のルールに"
    "よるものでした。",
    nobody_there="この期間に担当者の記録がないため、誰も案件を引き受けません。",
)
WORDS: dict[Language, Words] = {"en": EN, "ja": JA}
