"""Who may log in at the encrypted servers, and where their listeners are."""

from msgspec import Struct

USER = "madoguchi"
PASSWORD = "himitsu-no-aikotoba"
MODULES = "org.apache.kafka.common.security"
# One line each: who may log in on a listener by a mechanism.
LOGINS = {
    "plain": f'{MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    "scram-sha-256": f"{MODULES}.scram.ScramLoginModule required;",
    "scram-sha-512": f"{MODULES}.scram.ScramLoginModule required;",
    "oauthbearer": (
        f"{MODULES}.oauthbearer.OAuthBearerLoginModule required"
        ' unsecuredLoginStringClaim_sub="broker";'
    ),
}


class EncryptedKafka(Struct, frozen=True):
    """Where a broker asks for a password, where for a certificate, and where for nothing."""

    password: str
    certificate: str
    plain: str
