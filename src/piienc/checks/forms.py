"""How values of each type and format are written, as expressions that RE2 and Python read alike.

Sources: dates, times and offsets, ISO 8601; email addresses, RFC 5321 and the letters, digits and
hyphens of RFC 1123; phone numbers, ITU-T E.164; UUIDs, RFC 9562; URLs and IP addresses, RFC 3986;
countries, ISO 3166-1, the officially assigned alpha-2 codes; currencies, ISO 4217, the alphabetic
codes of its list one, those of funds and metals included.
"""

from __future__ import annotations

_YEAR = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP = (
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"  # Gregorian
)
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
DATE = f"(?:{_YEAR}-{_DAY}|{_LEAP}-02-29)"
OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
TIMESTAMP = rf"{DATE}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?{OFFSET}?"
DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"

TYPES = {
    "integer": ("an integer", "[+-]?[0-9]+"),
    "float": ("a number", rf"(?:{DECIMAL}|[+-]?(?i:nan|inf|infinity))"),
    "decimal": ("a decimal number", DECIMAL),
    "boolean": ("a boolean", "(?i:true|false)"),
    "date": ("a date, YYYY-MM-DD", DATE),
    "timestamp": ("a timestamp of ISO 8601", TIMESTAMP),
}
"""By type: what a value is, and how it is written. Strings and bytes may be any text."""

_ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = "(?:[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{0,58}[A-Za-z0-9])"
_OCTET = "(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LS32 = f"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [
        f"(?:{_H16}:){{6}}{_LS32}",
        f"::(?:{_H16}:){{5}}{_LS32}",
        *(
            f"(?:(?:{_H16}:){{0,{before}}}{_H16})?::(?:{_H16}:){{{behind}}}{_LS32}"
            for before, behind in enumerate((4, 3, 2, 1, 0))
        ),
        f"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        f"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    ]
)
_PATH = r"[A-Za-z0-9._~:@!$&'()*+,;=%/-]*"
_URL = (
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._~:!$&'()*+,;=%-]*@)?"
    rf"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[(?:{_IPV6})\])(?::[0-9]{{0,5}})?"
    rf"(?:/{_PATH})?(?:\?(?:{_PATH}|[?])*)?(?:#(?:{_PATH}|[?])*)?"
)

FORMATS = {
    "email": ("an email address", rf"{_ATEXT}(?:\.{_ATEXT})*@(?:{_LABEL}\.)+{_TOP}"),
    "phone": ("a phone number of E.164, as in +442071234567", r"\+[1-9][0-9]{6,14}"),
    "uuid": ("a UUID", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"),
    "date": ("a date, YYYY-MM-DD", DATE),
    "datetime": ("a timestamp of ISO 8601", TIMESTAMP),
    "url": ("an absolute URL", _URL),
    "ipv4": ("an IPv4 address", _IPV4),
    "ipv6": ("an IPv6 address", _IPV6),
}
"""By format: what a value is, and how it is written; `CODES` has those that are lists."""

MAX_LOCAL, MAX_EMAIL = 64, 254
"""The most characters before the @ of an email address, and of all of it; RFC 5321, 4.5.3.1."""

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO
    BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ
    DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP
    GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG
    KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML
    MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
    PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL
    SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM
    US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""

_CURRENCIES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP
    BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN
    ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK
    JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
    PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
    SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV
    WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR
    ZMW ZWG
"""

CODES = {
    "country": ("a country code of ISO 3166-1, as in GB", frozenset(_COUNTRIES.split())),
    "currency": ("a currency code of ISO 4217, as in EUR", frozenset(_CURRENCIES.split())),
}
"""By format: what a value is, and all values that there are."""
