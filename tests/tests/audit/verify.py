"""Checks an evidence pack by its documentation alone (packaging/doc/audit-trail.md): Python's own tar, JSON and hashes, the Merkle tree of
pymerkle, and openssl for signatures. Prints what it found as JSON; fails with an assertion where something does not hold."""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import pymerkle

pack = pathlib.Path(sys.argv[1])


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(value):
    # The keys here are ASCII and the numbers whole, so that sorting and Python's numbers are those of RFC 8785.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def lines(name):
    text = files[name]
    assert text == b"" or text.endswith(b"\n"), name
    for line in text.splitlines():
        value = json.loads(line)
        assert canonical(value) == line, (name, line)
        yield value


def openssl_verifies(vkey, note):
    """The text of a note, if the key's signature is on it."""
    name, key_id, encoded = vkey.split("+", 2)
    key = base64.b64decode(encoded)
    assert key[0] == 1 and sha256(name.encode(), b"\n", key)[:4].hex() == key_id
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        blob = base64.b64decode(blob)
        if (dash, signer, blob[:4].hex()) != ("\u2014", name, key_id):
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            # SubjectPublicKeyInfo of Ed25519 (RFC 8410).
            (folder / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + key[1:])
            (folder / "text").write_text(text, encoding="utf-8")
            (folder / "signature").write_bytes(blob[4:])
            words = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", folder / "key", "-rawin"]
            words += ["-in", folder / "text", "-sigfile", folder / "signature"]
            if subprocess.run(words, capture_output=True).returncode == 0:
                return text
    return None


def goes_on(old_size, old_root, size, root, proof):
    """RFC 9162, 2.1.4.2."""
    if old_size == size:
        return old_root == root and not proof
    if old_size == 0:
        return not proof and old_root == sha256()
    if old_size & (old_size - 1) == 0:
        proof = [old_root, *proof]
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\1", c, fr), sha256(b"\1", c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\1", sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


with tarfile.open(pack, "r:") as archive:
    order = [member.name for member in archive]
    files = {member.name: archive.extractfile(member).read() for member in archive}

sums = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
assert order == [name for _, name in sums] + ["SHA256SUMS", "seal"]
for wanted, name in sums:
    assert sha256(files[name]).hex() == wanted, name

tree = pymerkle.InmemoryTree(algorithm="sha256")
entries, before = [], bytes(32)
for seq, entry in enumerate(lines("entries.jsonl")):
    leaf = sha256(b"\0", canonical(entry))
    assert entry["seq"] == seq and entry["prev"] == before.hex(), seq
    tree.append_entry(canonical(entry))
    entries.append(entry)
    before = leaf

payloads = {line["seq"]: line for line in lines("payloads.jsonl")}
keys = [files["vkey"].decode().strip()]
changes = [(e["seq"], payloads[e["seq"]]["payload"]["set"]) for e in entries if e["action"] == "key.rotate"]
if changes:
    keys = [changes[0][1]["from"]] + [change["to"] for _, change in changes]
    assert keys[-1] == files["vkey"].decode().strip()


def key_at(size):
    return keys[sum(seq < size for seq, _ in changes)]


def checkpoint(note):
    origin, size, root, time = note.split("\n\n")[0].split("\n")
    size = int(size)
    text = openssl_verifies(key_at(size), note)
    assert text and text == f"{origin}\n{size}\n{root}\n{time}\n" and origin == key_at(size).split("+")[0]
    return size, base64.b64decode(root)


head = files["checkpoint"].decode()
size, root = checkpoint(head)
assert size == len(entries) and tree.get_root(size) == root
earlier = 0
for line in lines("checkpoints.jsonl"):
    old_size, old_root = checkpoint(line["note"])
    assert old_size == 0 or tree.get_root(old_size) == old_root
    assert goes_on(old_size, old_root, size, root, [bytes.fromhex(part) for part in line["proof"]])
    earlier += 1
for at, (seq, _) in enumerate(changes):
    notes = [line["note"] for line in lines("checkpoints.jsonl")] + [head]
    assert any(int(note.split("\n")[1]) > seq and openssl_verifies(keys[at], note) for note in notes)

seal = openssl_verifies(keys[-1], files["seal"].decode())
assert seal and seal.splitlines()[:3] == [
    "umbrascope evidence pack v1",
    f"checkpoint {size} {sha256(files['checkpoint']).hex()}",
    f"content {sha256(files['SHA256SUMS']).hex()}",
]

bodies, hashes, redacted = {}, {}, set()
for entry in entries:
    line = payloads.get(entry["seq"])
    if line:
        assert sha256(bytes.fromhex(line["salt"]), canonical(line["payload"])).hex() == entry["payload_commit"]
    if entry["before"] is None and entry["after"] is None:
        continue
    name = entry["object"]
    assert entry["before"] == hashes.get(name)
    hashes[name] = entry["after"]
    if line is None:
        redacted.add(name)
        continue
    body = bodies.setdefault(name, {})
    body.update(line["payload"]["set"])
    for field in line["payload"]["drop"]:
        body.pop(field, None)
records = 0
snapshots = {name for name in files if name.startswith("snapshots/")}
for line in lines("records.jsonl"):
    name = line["object"]
    assert sha256(b"\2", bytes.fromhex(line["nonce"]), canonical(line["body"])).hex() == hashes[name]
    assert name in redacted or bodies[name] == line["body"], name
    records += 1
    if name.startswith("monthly-snapshot/"):
        month, body = name.split("/")[1], line["body"]
        snapshot = files.get(f"snapshots/{month}.json")
        assert (snapshot is None) == (body["erased_on"] is not None), month
        assert snapshot is None or sha256(snapshot).hex() == body["sha256"], month
        snapshots.discard(f"snapshots/{month}.json")
assert not snapshots, "a snapshot that no record tells of"
print(json.dumps({"entries": size, "root": root.hex(), "earlier": earlier, "records": records, "keys": len(keys)}))
