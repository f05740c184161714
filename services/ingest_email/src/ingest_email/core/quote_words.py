"""The words by which mail programs introduce what they quote, in their users' languages.

Each entry is a piece of a regular expression, matched without regard to case.
"""

# "On … Taro <taro@example.jp> wrote:", the first and the last words of it
OPENINGS = (
    r"On|At|In message",  # English
    r"Am",  # German
    r"Le",  # French
    r"El|Em|Il",  # Spanish, Portuguese, Italian
    r"Op|Den|På|W dniu|Dnia|Dne|Dana|La data de",  # Dutch, Nordic, Polish, Czech, Croatian, Romanian
    r"Στις|Vào|Pada|Ngày",  # Greek, Vietnamese, Indonesian
    r"在|於|于",  # Chinese
)
WROTE = (
    r"wrote|writes|sent",
    r"schrieb",
    r"a écrit",
    r"escribi[oó]|escreveu|ha scritto",
    r"schreef|geschreven",
    r"skrev|kirjoitti|skrifaði",
    r"napisał(?:\(a\)|a)?|napsala?|napísala?|написала?|написав|пише[т]?|je napisa[ol](?:/la)?",
    r"yazdı|írta|a scris|έγραψε|đã viết|menulis",
    r"写道|寫道|님이 작성|님이 쓴 글",
    r"さん(?:は|が)書きました|さん(?:は|が)書いた",
)

# "-----Original Message-----", between rules
ORIGINALS = (
    r"(?:begin )?original[ -]?(?:message|mail|nachricht|e-?mail|appointment)|reply message",
    r"(?:ursprüngliche|antwort)[ -]?(?:nachricht|e-mail)",
    r"message (?:d['’]origine|original|initial)",
    r"mensaje original|mensagem original|messaggio originale|mesaj(?:ul)? ini[tț]ial",
    r"(?:oorspronkelijk|origineel) bericht|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding",
    r"alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|eredeti üzenet",
    r"исходное сообщение|оригінальне повідомлення|özgün ileti|orijinal mesaj|αρχικό μήνυμα",
    r"thư gốc|tin nhắn gốc|pesan asli",
    r"元の(?:メッセージ|メール)|返信元(?:の)?(?:メッセージ|メール)|受信(?:した)?メール|(?:引用)?元メール",
    r"原始(?:邮件|郵件)(?:信息)?|원본 ?(?:메일|메시지)",
    r".{1,60}さんが書きました",
    r".{1,80}\swrote",
)

# "---------- Forwarded message ---------", between rules or alone with a colon
FORWARDED = (
    r"(?:begin )?forwarded (?:message|mail|by).{0,80}",
    r"(?:anfang der )?weitergeleitete(?:n)? (?:nachricht|e-mail)",
    r"(?:début du )?message (?:réexpédié|transféré)",
    r"(?:inicio del )?mensaje reenviado|(?:início da )?mensagem (?:re)?encaminhada",
    r"(?:inizio )?messaggio inoltrato",
    r"doorgestuurd bericht|vidarebefordrat meddelande|videresendt (?:meddelelse|melding)",
    r"wiadomość przekazana|przekazana wiadomość|přeposlaná zpráva|továbbított üzenet",
    r"пересылаемое сообщение|переслане повідомлення|iletilen mesaj",
    r"(?:以下は、?)?転送(?:された)?(?:メッセージ|メール)(?:です)?",
    r"(?:转发|轉寄)的?(?:邮件|郵件)(?:信息)?|下面是被转发的邮件|전달된 ?메시지",
)

# The header of the old mail: "差出人: …", "From: …"
LABELS = {
    "from": (
        r"from|差出人|送信者|発信者|von|de|da|van|från|fra|lähettäjä|od|feladó|от|від|kimden|από|từ|dari"
        r"|发件人|寄件者|寄件人|보낸 ?사람"
    ),
    "sent": (
        r"sent|date|送信日時|日時|日付|送信日|受信日時|gesendet|datum|envoyé|enviad[oa](?: el| em)?|fecha|data|inviato"
        r"|verzonden|skickat|sendt|dato|lähetetty|wysłano|odesláno|elküldve|dátum|отправлено|дата|надіслано"
        r"|gönderildi|tarih|gönderme tarihi|εστάλη|ημερομηνία|đã gửi|ngày|dikirim|tanggal"
        r"|发送时间|发送日期|日期|寄件日期|보낸 ?날짜|날짜"
    ),
    "to": (
        r"to|宛先|送信先|an|à|para|a|aan|till|til|vastaanottaja|do|komu|címzett|кому|kime|προς|đến|kepada"
        r"|收件人|收件者|받는 ?사람|cc|ｃｃ|copie|kopie|másolatot kap|抄送|副本|참조"
    ),
    "subject": (
        r"subject|件名|題名|タイトル|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|tárgy"
        r"|тема|konu|θέμα|chủ đề|perihal|subyek|主题|主題|主旨|제목"
    ),
    "other": r"reply-to|importance|attachments?|返信先|添付ファイル|重要度|sender|organization",
}
