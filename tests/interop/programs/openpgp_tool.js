// OpenPGP by npm's openpgp: generate EMAIL [v6], cert, encrypt CERT [KEY], decrypt KEY [CERT].
"use strict";
const fs = require("fs");
const openpgp = require("openpgp");

const [verb, ...said] = process.argv.slice(2);
const input = () => new Uint8Array(fs.readFileSync(0));
const read = (path) => fs.readFileSync(path, "utf8");

const verbs = {
  async generate(email, kind) {
    const config = { v6Keys: kind === "v6", aeadProtect: kind === "v6" };
    const made = await openpgp.generateKey({ userIDs: [{ email }], format: "armored", config });
    return made.privateKey;
  },
  async cert() {
    const key = await openpgp.readPrivateKey({ armoredKey: Buffer.from(input()).toString() });
    return key.toPublic().armor();
  },
  async encrypt(cert, signer) {
    return openpgp.encrypt({
      message: await openpgp.createMessage({ binary: input() }),
      encryptionKeys: await openpgp.readKey({ armoredKey: read(cert) }),
      signingKeys: signer && (await openpgp.readPrivateKey({ armoredKey: read(signer) })),
      format: "binary",
    });
  },
  async decrypt(key, signer) {
    const { data } = await openpgp.decrypt({
      message: await openpgp.readMessage({ binaryMessage: input() }),
      decryptionKeys: await openpgp.readPrivateKey({ armoredKey: read(key) }),
      verificationKeys: signer && (await openpgp.readKey({ armoredKey: read(signer) })),
      expectSigned: Boolean(signer),
      format: "binary",
    });
    return data;
  },
};

verbs[verb](...said).then(
  (output) => process.stdout.write(output),
  (error) => { console.error(error.message); process.exit(1); },
);
