"""TSIG by dnspython, for the unit test that compares: cases come as lines of JSON, answers go out as lines of JSON.

A case is a request that the program signed. It is verified here, and answered: with good signatures, and with ones
that are wrong in one way, which the line says.
"""
import base64
import json
import random
import struct
import sys

import dns.exception
import dns.message
import dns.name
import dns.rdtypes.ANY.TSIG
import dns.tsig

ALGORITHMS = {
    "hmac-md5": dns.tsig.HMAC_MD5,
    "hmac-sha1": dns.tsig.HMAC_SHA1,
    "hmac-sha224": dns.tsig.HMAC_SHA224,
    "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha384": dns.tsig.HMAC_SHA384,
    "hmac-sha512": dns.tsig.HMAC_SHA512,
}


def attach(body, owner, rdata):
    """A message with a TSIG record at its end."""
    counted = body[:10] + struct.pack("!H", struct.unpack("!H", body[10:12])[0] + 1) + body[12:]
    data = rdata.to_wire()
    return counted + owner.to_wire() + struct.pack("!HHIH", 250, 255, 0, len(data)) + data


def answer(case, rng):
    wire = base64.b64decode(case["request"])
    name = dns.name.from_text(case["name"])
    key = dns.tsig.Key(name, base64.b64decode(case["secret"]), ALGORITHMS[case["algorithm"]])
    # The reader takes the time from here.
    dns.message.time.time = lambda: case["now"]
    try:
        dns.message.from_wire(wire, keyring={name: key})
        verdict = "good"
    except dns.exception.DNSException as error:
        verdict = type(error).__name__
    request = dns.message.from_wire(wire, keyring=False, continue_on_error=True)
    rdata = request.tsig[0]
    # The answer: the request's question or none, any code, sometimes records.
    message = dns.message.Message(id=rdata.original_id)
    message.flags = 0x8000 | (5 << 11)
    message.set_rcode(rng.choice([0, 0, 1, 2, 5, 9]))
    if rng.random() < 0.8:
        message.question = request.question
    if rng.random() < 0.3:
        text = "%s. 60 IN A 192.0.2.%d" % (name.to_text().rstrip("."), rng.randrange(256))
        message.answer.append(dns.rrset.from_text(*text.split(" ")))
    body = message.to_wire()
    time = case["now"] + rng.choice([0, 0, rng.randrange(-300, 301), rng.choice([-301, 301, 7200, -7200])])
    other = b""
    error = 0
    if rng.random() < 0.1:
        error, other = 18, struct.pack("!HI", case["now"] >> 32 & 0xFFFF, case["now"] & 0xFFFFFFFF)
    flaw = rng.choice(["none", "none", "none", "mac", "request", "secret", "body"])
    signing = key
    if flaw == "secret":
        signing = dns.tsig.Key(name, b"\0" + key.secret, key.algorithm)
    template = dns.rdtypes.ANY.TSIG.TSIG(255, 250, key.algorithm, time, 300, b"", rdata.original_id, error, other)
    request_mac = rdata.mac if flaw != "request" else bytes([rdata.mac[0] ^ 1]) + rdata.mac[1:]
    signed, _ = dns.tsig.sign(body, signing, template, time, request_mac)
    if flaw == "mac":
        at = rng.randrange(len(signed.mac))
        mac = signed.mac[:at] + bytes([signed.mac[at] ^ 1 << rng.randrange(8)]) + signed.mac[at + 1 :]
        signed = signed.replace(mac=mac)
    if flaw == "body":
        body = body[:3] + bytes([body[3] ^ 1]) + body[4:]
    if flaw != "none":
        expected = "Mac"
    elif error:
        expected = "BadTime"
    elif abs(time - case["now"]) > 300:
        expected = "OtherTime"
    else:
        expected = "good"
    return {"verdict": verdict, "answer": base64.b64encode(attach(body, name, signed)).decode(), "expected": expected}


def main():
    rng = random.Random(int(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), rng)))


main()
