#!/usr/bin/env python3
"""A second implementation of the protocol, written from docs/protocol.md alone.

Joins a session as a member without a screen, prints its text, inserts a word at the end, waits until
the member at the other end has it, prints the text again, and leaves:

    COLLAB_EDIT_CODE=... member.py HOST:PORT NAME WORD

Its only purpose is to show that the document is enough. So it is plain rather than fast: every
character is an object in a list, and what is visible is computed from all operations each time.
"""

import hmac
import io
import json
import os
import socket
import struct
import sys
import time

import msgpack
from blake3 import blake3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from noise.connection import Keypair, NoiseConnection
from spake2 import SPAKE2_A

MAGIC = b"collabed"
VERSION = 3
NEWCOMER = 0
CODE_NEEDED = 1
PIECE = 65_535
TAG = 16
PATIENCE = 20

HELLO, WELCOME, MEMBERS, HEADS, WANT, OPS, PRESENCE, PING, PONG, BYE = range(1, 11)
LEAVING = 0

RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def kdf(context, material):
    return blake3(material, derive_key_context=f"collab-edit 1 {context}").digest()


def public(key):
    return key.public_key().public_bytes(*RAW)


class Channel:
    """Frames over a socket, sealed by Noise."""

    def __init__(self, address, code, link_key):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.said = b""
        self.send_plain(MAGIC + struct.pack(">HB", VERSION, NEWCOMER))
        magic, version, access = struct.unpack(">8sHB", self.read_plain(11))
        assert magic == MAGIC and version == VERSION, "another protocol, or another version"
        assert access == CODE_NEEDED, "an open session, but there is a code"
        pake = SPAKE2_A(
            code.replace(" ", "-").encode(), idA=b"collab-edit joiner", idB=b"collab-edit member"
        )
        self.send_plain(pake.start())
        key = pake.finish(self.read_plain(33))
        self.noise = NoiseConnection.from_name(b"Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s")
        self.noise.set_psks(kdf("key of a code", key))
        self.noise.set_prologue(self.said)
        self.noise.set_as_initiator()
        self.noise.set_keypair_from_private_bytes(Keypair.STATIC, link_key)
        self.noise.start_handshake()
        self.socket.sendall(self.noise.write_message())
        if self.read(1) != b"\0":
            sys.exit("wrong code")
        session = self.noise.read_message(self.read(144))
        self.session, self.secret = session[:16], session[16:]
        self.socket.sendall(self.noise.write_message())

    def send_plain(self, data):
        self.said += data
        self.socket.sendall(data)

    def read_plain(self, count):
        data = self.read(count)
        self.said += data
        return data

    def read(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(1 << 16)
            if not data:
                sys.exit("the other end has closed the link")
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, kind, fields):
        payload = bytes([kind]) + msgpack.packb(fields)
        step = PIECE - TAG
        pieces = [payload[at : at + step] for at in range(0, len(payload), step)]
        sealed = b"".join(self.noise.encrypt(piece) for piece in pieces)
        self.socket.sendall(struct.pack(">I", len(sealed)) + sealed)

    def receive(self):
        (length,) = struct.unpack(">I", self.read(4))
        sealed = self.read(length)
        pieces = [sealed[at : at + PIECE] for at in range(0, length, PIECE)]
        payload = b"".join(self.noise.decrypt(piece) for piece in pieces)
        return payload[0], msgpack.unpackb(payload[1:], strict_map_key=False)


class Character:
    def __init__(self, name, left, right, lamport, text):
        self.id, self.left, self.right = name, left, right
        self.lamport, self.text = lamport, text


class Log:
    """One author's operations, as far as they are known without a gap."""

    def __init__(self):
        self.next = 0
        self.dictionary = []
        self.lamport = 0
        self.minutes = 0


class Document:
    def __init__(self):
        self.order = []
        self.characters = {}
        self.deletes = {}
        self.undos = {}
        self.notes = {}
        self.logs = {}
        self.waiting = []

    def log(self, author):
        return self.logs.setdefault(author, Log())

    def heads(self):
        return {author: log.next for author, log in self.logs.items() if log.next}

    def digest(self):
        entries = sorted(self.heads().items())
        return blake3(b"".join(author + struct.pack(">I", n) for author, n in entries)).digest()

    # What shows.

    def in_force(self, name):
        undone = (undo for undo, targets in self.undos.items() if name in targets)
        return not any(self.in_force(undo) for undo in undone)

    def is_visible(self, character):
        deletes = (one for one, targets in self.deletes.items() if character.id in targets)
        return self.in_force(character.id) and not any(self.in_force(one) for one in deletes)

    def text(self):
        return "".join(one.text for one in self.order if self.is_visible(one))

    # The order: FugueMax in list form.

    def place(self, name, outside):
        return outside if name is None else self.order.index(self.characters[name])

    def integrate(self, new):
        left, right = self.place(new.left, -1), self.place(new.right, len(self.order))
        destination, scanning = left + 1, False
        for at in range(left + 1, len(self.order) + 1):
            if not scanning:
                destination = at
            if at == right or at == len(self.order):
                break
            other = self.order[at]
            other_left = self.place(other.left, -1)
            if other_left < left:
                break
            if other_left == left:
                if other.right == new.right:
                    if self.key(new) < self.key(other):
                        break
                    scanning = False
                else:
                    scanning = self.place(other.right, len(self.order)) < right
        self.order.insert(destination, new)
        self.characters[new.id] = new

    @staticmethod
    def key(character):
        author, seq = character.id
        return (-character.lamport, author, seq)

    # Batches.

    def merge(self, author, seq, width, data):
        self.waiting.append((author, seq, width, data))
        while any([self.try_apply(*batch) for batch in list(self.waiting)]):
            pass

    def try_apply(self, author, seq, width, data):
        log = self.log(author)
        if seq < log.next:
            self.waiting.remove((author, seq, width, data))
            return False
        if seq > log.next:
            return False
        batch = self.decode(author, log, data)
        if batch is None:
            return False
        operations, lamport, minutes, dictionary = batch
        for kind, name, *rest in operations:
            if kind == 1:
                left, right, text = rest
                for offset, one in enumerate(text):
                    here = (author, name[1] + offset)
                    self.integrate(Character(here, left, right, lamport, one))
                    left = here
            else:
                {2: self.deletes, 3: self.undos, 4: self.notes}[kind][name] = rest[0]
        log.next += width
        log.lamport, log.minutes, log.dictionary = lamport, minutes, dictionary
        self.waiting.remove((author, seq, width, data))
        return True

    def decode(self, author, log, data):
        """A batch's operations; None if a cause is missing."""
        values = msgpack.Unpacker(io.BytesIO(data), strict_map_key=False)
        head = values.unpack()
        lamport = log.lamport + (values.unpack() if head & 1 else 1)
        minutes = log.minutes + (values.unpack() if head & 2 else 0)
        dictionary, number, operations = list(log.dictionary), log.next, []
        inside = {}

        def read_id():
            value = values.unpack()
            if value is None:
                return None
            if value > 0:
                return (author, number - value)
            index = -1 - value
            if index == len(dictionary):
                dictionary.append(values.unpack())
            return (dictionary[index], values.unpack())

        def read_targets():
            targets = set()
            for _ in range(values.unpack()):
                start, length = read_id(), values.unpack()
                targets |= {(start[0], start[1] + offset) for offset in range(length)}
            return targets

        def known(name):
            if name is None or name[0] == author:
                return True
            return name[1] < self.log(name[0]).next

        while True:
            try:
                value = values.unpack()
            except msgpack.OutOfData:
                return operations, lamport, minutes, dictionary
            name = (author, number)
            if isinstance(value, str):
                before = (author, number - 1)
                right = inside[before] if before in inside else self.characters[before].right
                operations.append((1, name, before, right, value))
            elif value == 1:
                left, right, text = read_id(), read_id(), values.unpack()
                if not (known(left) and known(right)):
                    return None
                operations.append((1, name, left, right, text))
            elif value in (2, 3):
                targets = read_targets()
                if not all(known(target) for target in targets):
                    return None
                operations.append((value, name, targets))
            else:
                operations.append((4, name, values.unpack()))
            if operations[-1][0] == 1:
                _, _, _, right, text = operations[-1]
                inside |= {(author, number + offset): right for offset in range(len(text))}
                number += len(text)
            else:
                number += 1

    def append(self, author, text):
        """Inserts at the end; the batch, and how many numbers it takes."""
        visible = [at for at, one in enumerate(self.order) if self.is_visible(one)]
        left = self.order[visible[-1]].id if visible else None
        after = visible[-1] + 1 if visible else 0
        right = self.order[after].id if after < len(self.order) else None
        log = self.log(author)
        dictionary = list(log.dictionary)

        def write_id(name):
            if name is None:
                return msgpack.packb(None)
            if name[0] == author:
                return msgpack.packb(log.next - name[1])
            if name[0] in dictionary:
                return msgpack.packb(-1 - dictionary.index(name[0])) + msgpack.packb(name[1])
            dictionary.append(name[0])
            index = msgpack.packb(-len(dictionary))
            return index + msgpack.packb(name[0]) + msgpack.packb(name[1])

        clock = max((one.lamport for one in self.logs.values()), default=0)
        lamport, minutes = clock + 1 - log.lamport, int(time.time()) // 60 - log.minutes
        head = (1 if lamport != 1 else 0) | (2 if minutes else 0)
        data = msgpack.packb(head)
        data += msgpack.packb(lamport) if head & 1 else b""
        data += msgpack.packb(minutes) if head & 2 else b""
        data += msgpack.packb(1) + write_id(left) + write_id(right) + msgpack.packb(text)
        return data, len(text)


class Member:
    def __init__(self, address, code, name):
        secret = os.urandom(32)
        link_key = kdf("member link key", secret)
        link_public = public(X25519PrivateKey.from_private_bytes(link_key))
        self.signing_key = Ed25519PrivateKey.from_private_bytes(kdf("member signing key", secret))
        self.author_key = Ed25519PrivateKey.generate()
        self.channel = Channel(address, code, link_key)
        self.author = kdf("author id", self.channel.session + public(self.author_key))[:16]
        member = kdf("member id", link_public + public(self.signing_key))[:16]
        self.entry = [member, link_public, public(self.signing_key), name, [], [self.author]]
        self.revision = 1
        self.document = Document()
        self.theirs = {}
        you = socket.inet_pton(self.channel.socket.family, self.channel.socket.getpeername()[0])
        self.channel.send(HELLO, [None, self.signed(left=False), you])
        self.tell_heads()

    def signed(self, left):
        entry = self.entry + [left, self.revision]
        unsigned = msgpack.packb(entry + [bytes(64)])
        context = b"collab-edit 1 member entry" + self.channel.session
        return entry + [self.signing_key.sign(context + unsigned)]

    def check(self, entry):
        link_key, signing_key = entry[1], entry[2]
        member = kdf("member id", link_key + signing_key)[:16]
        assert hmac.compare_digest(member, entry[0]), "a member id that is not of its keys"
        unsigned = msgpack.packb(entry[:-1] + [bytes(64)])
        context = b"collab-edit 1 member entry" + self.channel.session
        Ed25519PublicKey.from_public_bytes(signing_key).verify(entry[-1], context + unsigned)

    def tell_heads(self):
        heads = [[author, count] for author, count in self.document.heads().items()]
        self.channel.send(HEADS, [True, heads])

    def lacks(self):
        heads = self.document.heads()
        return [
            [author, heads.get(author, 0), count]
            for author, count in self.theirs.items()
            if count > heads.get(author, 0)
        ]

    def step(self):
        kind, fields = self.channel.receive()
        if kind == HELLO:
            self.check(fields[1])
        elif kind == MEMBERS:
            for entry in fields[0]:
                self.check(entry)
        elif kind == HEADS:
            self.theirs.update(fields[1])
            if self.lacks():
                self.channel.send(WANT, [self.lacks()])
        elif kind == OPS:
            author, seq, batches = fields
            for width, data in batches:
                self.document.merge(author, seq, width, data)
                seq += width
            self.theirs[author] = max(self.theirs.get(author, 0), seq)
        elif kind == PING:
            self.channel.send(PONG, [fields[0]])
        elif kind == BYE:
            sys.exit(f"the other end says goodbye: {fields[0]}")
        return kind

    def join(self):
        """Until all that the other end has is here."""
        while self.step() != HEADS:
            pass
        while self.lacks():
            self.step()

    def append(self, text):
        """Inserts at the end; returns when the other end has it."""
        seq = self.document.log(self.author).next
        data, width = self.document.append(self.author, text)
        self.document.merge(self.author, seq, width, data)
        self.channel.send(OPS, [self.author, seq, [[width, data]]])
        self.tell_heads()
        while self.theirs.get(self.author, 0) < seq + width:
            self.step()

    def leave(self):
        self.revision += 1
        self.channel.send(MEMBERS, [[self.signed(left=True)]])
        self.channel.send(BYE, [LEAVING])
        self.channel.socket.shutdown(socket.SHUT_WR)


def main():
    target, name, word = sys.argv[1:]
    host, port = target.rsplit(":", 1)
    member = Member((host.strip("[]"), int(port)), os.environ["COLLAB_EDIT_CODE"], name)
    member.join()
    print(json.dumps({"text": member.document.text()}), flush=True)
    member.append(word)
    print(json.dumps({"text": member.document.text()}), flush=True)
    member.leave()


if __name__ == "__main__":
    main()
