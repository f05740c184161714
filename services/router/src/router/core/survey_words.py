"""The questions as we ask them, where the rules have no words of their own."""

from collections.abc import Mapping
from types import MappingProxyType

from common.core.surveys import Question
from router.core.wording import Language

QUESTIONS: Mapping[Language, Mapping[Question, str]] = MappingProxyType(
    {
        "en": {
            Question.CSAT3: "Were you satisfied with our support? Please answer yes, neutral or no.",
            Question.CSAT5: (
                "How satisfied were you with our support? "
                "Please answer with a number from 1 (not at all) to 5 (very)."
            ),
            Question.NPS: (
                "How likely are you to recommend us to a friend or colleague? "
                "Please answer with a number from 0 (never) to 10 (certainly)."
            ),
            Question.TEXT: 'Is there anything we could do better? Please begin with "comment:".',
        },
        "ja": {
            Question.CSAT3: (
                "このたびの対応にご満足いただけましたか。"
                "「はい」「どちらでもない」「いいえ」のいずれかでご返信ください。"
            ),
            Question.CSAT5: (
                "このたびの対応はいかがでしたか。1(不満)から5(満足)までの数字でご返信ください。"
            ),
            Question.NPS: (
                "当社を親しい方に勧めたいと思いますか。"
                "0(まったく思わない)から10(とても思う)までの数字でご返信ください。"
            ),
            Question.TEXT: "お気づきの点をお聞かせください。「ご意見:」に続けてご返信ください。",
        },
    }
)
