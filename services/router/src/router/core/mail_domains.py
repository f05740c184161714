"""Whose mail a domain is: a company's, or a provider's that anybody can have an address at."""

PUBLIC = frozenset(
    (
        # Japan: mobile carriers and access providers
        *(
            "docomo.ne.jp",
            "ezweb.ne.jp",
            "au.com",
            "softbank.ne.jp",
            "i.softbank.jp",
            "ymobile.ne.jp",
        ),
        *("ymobile1.ne.jp", "uqmobile.jp", "vodafone.ne.jp", "disney.ne.jp", "rakumail.jp"),
        *("willcom.com", "pdx.ne.jp", "emobile.ne.jp", "emnet.ne.jp", "biglobe.ne.jp", "nifty.com"),
        *("ocn.ne.jp", "so-net.ne.jp", "plala.or.jp", "dion.ne.jp", "odn.ne.jp", "asahi-net.or.jp"),
        *(
            "jcom.home.ne.jp",
            "jcom.zaq.ne.jp",
            "zaq.ne.jp",
            "eonet.ne.jp",
            "commufa.jp",
            "wakwak.com",
        ),
        *("infoweb.ne.jp", "hi-ho.ne.jp", "interlink.or.jp", "tcp-ip.or.jp", "bbexcite.jp"),
        # Japan: web mail
        *("yahoo.co.jp", "ymail.ne.jp", "excite.co.jp", "infoseek.jp", "goo.jp", "mail.goo.ne.jp"),
        *("outlook.jp", "hotmail.co.jp", "live.jp", "inter7.jp", "nifmail.jp"),
        # everywhere
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com"),
        *(
            "yahoo.com",
            "yahoo.co.uk",
            "yahoo.fr",
            "yahoo.de",
            "yahoo.com.tw",
            "ymail.com",
            "rocketmail.com",
        ),
        *("icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "pm.me"),
        *(
            "fastmail.com",
            "zoho.com",
            "mail.com",
            "gmx.com",
            "gmx.de",
            "gmx.net",
            "web.de",
            "hey.com",
        ),
        *(
            "t-online.de",
            "freenet.de",
            "orange.fr",
            "wanadoo.fr",
            "free.fr",
            "laposte.net",
            "libero.it",
        ),
        *(
            "btinternet.com",
            "sky.com",
            "comcast.net",
            "verizon.net",
            "att.net",
            "cox.net",
            "shaw.ca",
        ),
        *(
            "mail.ru",
            "yandex.ru",
            "yandex.com",
            "qq.com",
            "163.com",
            "126.com",
            "sina.com",
            "foxmail.com",
        ),
        *("naver.com", "daum.net", "hanmail.net", "nate.com", "kakao.com", "rediffmail.com"),
        *("uol.com.br", "bol.com.br", "tutanota.com", "tuta.com", "duck.com", "mailinator.com"),
    )
)


def company_domain(contact: str) -> str | None:
    """Return the domain of a mail contact (`email:…@domain`), None where it shows no company."""
    kind, _, address = contact.partition(":")
    _, at, domain = address.rpartition("@")
    return domain if kind == "email" and at and not is_public(domain) else None


def is_public(domain: str) -> bool:
    """Whether anybody can have an address there; `t.vodafone.ne.jp` is a part of such a domain."""
    labels = domain.split(".")
    return any(".".join(labels[first:]) in PUBLIC for first in range(len(labels)))
