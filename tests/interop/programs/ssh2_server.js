// An SFTP server of npm's ssh2, over this machine's files: PORT HOST_KEY MODE.
// MODE is what it does otherwise than most; see `SSH2` in ../others.py.
"use strict";
const fs = require("fs");
const path = require("path");
const ssh2 = require("ssh2");
const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

const [port, hostKey, mode] = process.argv.slice(2);

function codeOf(error) {
  if (error.code === "ENOENT") {
    return mode === "failure" ? STATUS_CODE.FAILURE : STATUS_CODE.NO_SUCH_FILE;
  }
  return error.code === "EACCES" ? STATUS_CODE.PERMISSION_DENIED : STATUS_CODE.FAILURE;
}

function attributesOf(found) {
  const told = { mode: found.mode, uid: found.uid, gid: found.gid, size: found.size,
                 atime: Math.trunc(found.atimeMs / 1000), mtime: Math.trunc(found.mtimeMs / 1000) };
  if (mode === "no size") delete told.size;
  if (mode === "no type") delete told.mode;
  return told;
}

function howOf(flags) {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = fs.constants;
  const reads = flags & OPEN_MODE.READ;
  const writes = flags & OPEN_MODE.WRITE;
  return (writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY)
    | (flags & OPEN_MODE.CREAT ? O_CREAT : 0)
    | (flags & OPEN_MODE.EXCL ? O_EXCL : 0)
    | (flags & OPEN_MODE.TRUNC ? O_TRUNC : 0)
    | (flags & OPEN_MODE.APPEND ? O_APPEND : 0);
}

function serve(sftp) {
  const handles = new Map();
  let last = 0;

  function keep(handle) {
    const name = Buffer.alloc(4);
    name.writeUInt32BE(++last);
    handles.set(last, handle);
    return name;
  }
  const of = (name) => handles.get(name.readUInt32BE(0));

  // Answers a request with what an action returns, or with the code of what it throws.
  function on(request, action) {
    sftp.on(request, (id, ...said) => {
      try {
        const answer = action(...said);
        if (answer === undefined) sftp.status(id, STATUS_CODE.OK);
        else if (typeof answer === "number") sftp.status(id, answer);
        else if (answer.handle) sftp.handle(id, answer.handle);
        else if (answer.names) sftp.name(id, answer.names);
        else if (answer.data) sftp.data(id, answer.data);
        else sftp.attrs(id, answer.attributes);
      } catch (error) {
        sftp.status(id, codeOf(error));
      }
    });
  }
  const denied = () => STATUS_CODE.PERMISSION_DENIED;

  on("OPEN", (name, flags, attributes) => {
    const writes = Boolean(flags & OPEN_MODE.WRITE);
    const anew = flags & (OPEN_MODE.TRUNC | OPEN_MODE.EXCL);
    if (mode === "in order" && writes && !anew) return STATUS_CODE.OP_UNSUPPORTED;
    const file = fs.openSync(name, howOf(flags), attributes.mode ?? 0o666);
    return { handle: keep({ file, name, writes, end: 0 }) };
  });
  on("WRITE", (handle, offset, data) => {
    const opened = of(handle);
    if (mode === "in order" && offset !== opened.end) return STATUS_CODE.FAILURE;
    fs.writeSync(opened.file, data, 0, data.length, offset);
    opened.end = offset + data.length;
    return undefined;
  });
  on("READ", (handle, offset, length) => {
    const data = Buffer.alloc(length);
    const count = fs.readSync(of(handle).file, data, 0, length, offset);
    return count ? { data: data.subarray(0, count) } : STATUS_CODE.EOF;
  });
  on("CLOSE", (handle) => {
    const opened = of(handle);
    handles.delete(handle.readUInt32BE(0));
    if (opened.file !== undefined) fs.closeSync(opened.file);
    if (mode === "taken" && opened.writes) {
      const taken = path.join(path.dirname(opened.name), "..", "taken");
      fs.mkdirSync(taken, { recursive: true });
      fs.renameSync(opened.name, path.join(taken, path.basename(opened.name)));
    }
    return undefined;
  });
  on("OPENDIR", (name) => ({ handle: keep({ left: fs.readdirSync(name), name }) }));
  on("READDIR", (handle) => {
    const opened = of(handle);
    const names = opened.left.splice(0, 100).map((filename) => {
      const attrs = attributesOf(fs.lstatSync(path.join(opened.name, filename)));
      return { filename, longname: filename, attrs };
    });
    if (names.length) return { names };
    return mode === "bad end" ? STATUS_CODE.FAILURE : STATUS_CODE.EOF;
  });
  on("REALPATH", (name) => {
    const filename = path.resolve("/", name);
    return { names: [{ filename, longname: filename, attrs: {} }] };
  });
  on("STAT", mode === "no stat" ? denied : (name) => ({ attributes: attributesOf(fs.statSync(name)) }));
  on("LSTAT", mode === "no stat" ? denied : (name) => ({ attributes: attributesOf(fs.lstatSync(name)) }));
  on("FSTAT", (handle) => ({ attributes: attributesOf(fs.fstatSync(of(handle).file)) }));
  on("SETSTAT", (name, said) => { if (said.mode !== undefined) fs.chmodSync(name, said.mode); });
  on("FSETSTAT", (handle, said) => {
    if (said.mode !== undefined) fs.fchmodSync(of(handle).file, said.mode);
  });
  on("REMOVE", (name) => fs.unlinkSync(name));
  on("RENAME", mode === "no rename" ? denied : (from, to) => {
    if (fs.existsSync(to)) return STATUS_CODE.FAILURE;
    fs.renameSync(from, to);
    return undefined;
  });
  sftp.on("end", () => handles.forEach((one) => one.file !== undefined && fs.closeSync(one.file)));
}

new ssh2.Server({ hostKeys: [fs.readFileSync(hostKey)] }, (client) => {
  client.on("error", () => {}); // a connection that was cut
  client.on("authentication", (context) => {
    if (context.method === "publickey") context.accept();
    else context.reject(["publickey"]);
  });
  client.on("ready", () => {
    client.on("session", (accept) => {
      accept().on("sftp", (acceptSftp) => serve(acceptSftp()));
    });
  });
}).listen(Number(port), "127.0.0.1");
