// Walks the whole story of one AI tool in real Chromium, as four people, on a running product: it appears on this machine, is found,
// triaged, decided, put in scope, confirmed and signed for; a risk flag appears; it is reopened, prohibited, signed for again, seen again; and
// what was exported of all that is verified without the collector, until one byte of it is changed.
//
//   node story.mjs COLLECTOR_PROGRAM FOLDER
//
// Starts `COLLECTOR_PROGRAM try` with its data in FOLDER, as root, for it captures and reads the home that this walk makes below /home. CHROMIUM
// names the browser (default /usr/bin/chromium).

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { chromium } from "playwright-core";

const [program, folder] = process.argv.slice(2);
if (!program || !folder) {
  console.error("usage: node story.mjs COLLECTOR_PROGRAM FOLDER");
  process.exit(2);
}
const data = join(folder, "data");
const home = "/home/umbrascope-story";
const owned = 61_234;
const password = "a long enough password";
const tool = "Claude Code";
mkdirSync(folder, { recursive: true });

const port = 20_000 + Math.floor(Math.random() * 20_000);
let collector, browser;
try {
  await story();
  console.log("story: told to its end");
} catch (error) {
  console.error(`story: ${error.stack}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  rmSync(home, { recursive: true, force: true });
  await stop();
}

async function story() {
  if (existsSync(home)) throw new Error(`${home} is there already: this walk makes it and takes it away`);
  const { base, link } = await start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  for (const name of ["demo-reviewer", "demo-scope-owner"]) {
    execFileSync(program, ["user", "password", name, "--data-dir", data], { input: `${password}\n`, stdio: "pipe" });
  }
  const analyst = await person(base, link);
  const reviewer = await person(base, linkOf("demo-reviewer"));
  const scopeOwner = await person(base, linkOf("demo-scope-owner"));

  await step("a tool appears on a machine", async () => {
    plant(".claude/settings.json", { model: "opus" });
    plant(".claude.json", { numStartups: 3 });
    hello("api.anthropic.com");
  });
  const record = await step("it is in the inventory, and a finding asks of it", async () => {
    const found = await until(() => systemNamed(analyst));
    await analyst.goto(`${base}/findings`);
    expect(await text(analyst), found.reference, "the finding of the new product");
    return found.reference;
  });
  const at = `${base}/inventory/${record}`;

  await step("it is triaged, an owner is named, an assessment is attached", async () => {
    await analyst.goto(`${base}/policies`);
    await fill(analyst, "/policies", {
      version: "2026-1", title: "Use of AI", approved_by: "The board", from: "2026-01-01",
    });
    await move(analyst, at, "triage");
    await edit(analyst, at, "purpose", {
      purpose: "Writes and explains source code", intended_use: "Code that is reviewed before it is merged",
      foreseeable_misuse: "Customer data in prompts", decision_impact: "none", consequential_domain: "none",
      environment: "internal",
    });
    await edit(analyst, at, "roles", { system_owner: "admin", risk_owner: "admin", org_units: "*", org_roles: "producer-deployer" });
    await edit(analyst, at, "supplier", { third_party: "yes", "supplier_assessment.state": "done", "supplier_assessment.date": "2026-02-01" });
    await edit(analyst, at, "data", { data_categories: "source-code" });
    await edit(analyst, at, "risk", { ai_act_class: "minimal", risk_tier: "limited", "aiia.state": "done", "aiia.date": "2026-02-01", "aiia.link": "DOC-7" });
    await move(analyst, at, "review");
  });
  await step("it is sanctioned with conditions by a second person", async () => {
    await move(analyst, at, "request-sanction", { conditions: "No customer data", reason: "Purpose and data are clear" });
    await analyst.goto(at);
    if (await analyst.locator(`form[action$="/moves/approve"]`).count()) throw new Error("who asked is offered to approve");
    await move(reviewer, at, "approve", { reason: "Fits the policy" });
    expect(await text(reviewer), "Sanctioned", "the decision");
  });
  await step("it is in scope, and its owner confirms it", async () => {
    await move(scopeOwner, at, "scope-in");
    await attest(base, record, scopeOwner, analyst);
  });
  await step("statement 1 is signed by two people", () => sign(base, scopeOwner, reviewer, 1));

  await step("a risk flag appears, and the record is open again", async () => {
    plant(".claude/settings.json", { model: "opus", permissions: { defaultMode: "bypassPermissions" } });
    await until(async () => {
      await reviewer.goto(at);
      return (await text(reviewer)).includes("Reopened");
    });
    expect(await text(reviewer), "Sanctioned", "the decision as it was recorded");
  });
  await step("it is prohibited, and statement 2 tells the difference", async () => {
    await move(reviewer, at, "review");
    await move(reviewer, at, "prohibit", { reason: "It acts without asking" });
    await move(scopeOwner, at, "scope-open", { reason: "No longer in use, if it is kept to" });
    await sign(base, scopeOwner, reviewer, 2);
    await reviewer.goto(`${base}/scope/diff?from=1&to=2`);
    expect(await text(reviewer), record, "the difference between the statements");
  });
  await step("it is seen again on the next day, and a finding says so", async () => {
    // Days are all that is kept, so it has to be another day: the packets are real, and their clock is a day ahead.
    const capture = join(folder, "tomorrow.pcap");
    await captured(capture, "code.claude.com");
    await stop();
    await start(["--replay", capture]);
    const asked = new URL("/api/v1/findings?rule=prohibited-seen", base).href;
    await until(async () => JSON.stringify(await (await reviewer.request.get(asked)).json()).includes(record));
  });

  await step("an evidence pack is verified offline by a copy of the program, until one byte is changed", async () => {
    const [pack, copy] = [join(folder, "pack"), join(folder, "copy")];
    execFileSync(program, ["export", "evidence-pack", "--data-dir", data, "-o", pack], { stdio: "pipe" });
    copyFileSync(program, copy);
    const whole = spawnSync("unshare", ["-n", copy, "audit", "verify", pack], { encoding: "utf8", env: {} });
    if (whole.status !== 0) throw new Error(`the pack does not verify: ${whole.stdout}${whole.stderr}`);
    const bytes = readFileSync(pack);
    const place = bytes.lastIndexOf("It acts without asking");
    if (place < 0) throw new Error("the reason of the decision is not in the pack");
    bytes[place] ^= 1;
    writeFileSync(pack, bytes);
    const altered = spawnSync("unshare", ["-n", copy, "audit", "verify", pack], { encoding: "utf8", env: {} });
    if (altered.status !== 1 || !altered.stdout.includes("ALTERED")) {
      throw new Error(`one changed byte is answered ${altered.status}: ${altered.stdout}`);
    }
    if (!/payloads\.jsonl line \d+|entry \d+/.test(altered.stdout)) throw new Error(`it does not say where: ${altered.stdout}`);
  });
}

async function stop() {
  if (!collector || collector.exitCode !== null) return;
  const ended = new Promise((ended) => collector.once("exit", ended));
  collector.kill("SIGINT");
  await ended;
}

async function start(more = []) {
  const words = ["try", "--listen", `127.0.0.1:${port}`, "--data-dir", data, ...more];
  collector = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  const link = await new Promise((found, failed) => {
    collector.stdout.on("data", (piece) => {
      said += piece;
      const link = said.match(/http:\/\/\S+\/sign-in\/link\/\S+/);
      if (link) found(link[0]);
    });
    collector.once("exit", (code) => failed(new Error(`try ended with ${code}: ${said}`)));
    setTimeout(() => failed(new Error(`try printed no link within two minutes: ${said}`)), 120_000).unref();
  });
  return { base: link.split("/sign-in/")[0], link };
}

function linkOf(name) {
  const said = execFileSync(program, ["user", "link", name, "--data-dir", data], { encoding: "utf8" });
  return said.match(/\S*\/sign-in\/link\/\S+/)[0];
}

async function person(base, link) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(new URL(new URL(link, base).pathname, base).href);
  await page.getByRole("button", { name: "Sign in" }).click();
  return page;
}

async function step(name, work) {
  const began = Date.now();
  const value = await work();
  console.log(`story: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return value;
}

async function until(check) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within a minute: ${check}`);
    await new Promise((later) => setTimeout(later, 1_000));
  }
}

async function systemNamed(page) {
  const answer = await page.request.get(new URL(`/api/v1/systems?q=${encodeURIComponent(tool)}`, page.url()).href);
  return (await answer.json()).rows.find((row) => row.name === tool);
}

async function text(page) {
  return page.locator("main").innerText();
}

function expect(text, part, what) {
  if (!text.includes(part)) throw new Error(`${what}: ${part} is not in ${text.slice(0, 2_000)}`);
}

// Fills in a form of the page and sends it. A value of `*` ticks every box of its name.
async function fill(page, action, fields, submit = null) {
  const form = page.locator(`form[action="${action}"]`).filter({ has: page.locator(submit ?? "button") }).last();
  for (const details of await form.locator("xpath=ancestor::details").all()) {
    if ((await details.getAttribute("open")) === null) await details.locator("> summary").click();
  }
  for (const [name, value] of Object.entries(fields)) {
    const field = form.locator(`[name="${name}"]`);
    const kind = await field.first().evaluate((element) => element.type ?? element.tagName);
    if (kind === "checkbox") {
      const boxes = value === "*" ? await field.all() : [form.locator(`[name="${name}"][value="${value}"]`)];
      for (const box of boxes) await box.check();
    } else if (kind === "select-one" || kind === "select-multiple") await field.selectOption(value);
    else await field.fill(value);
  }
  const before = page.url();
  await form.locator(submit ?? "button").last().click();
  await page.waitForLoadState();
  const problem = page.locator("main [role=alert], main .notice.bad, main .problem");
  if (await problem.count()) throw new Error(`${action} on ${before}: ${await problem.first().innerText()}`);
}

async function move(page, at, word, fields = {}) {
  await page.goto(at);
  await fill(page, `${new URL(at).pathname}/moves/${word}`, fields);
}

async function edit(page, at, group, fields) {
  await page.goto(`${at}/edit/${group}`);
  await fill(page, `${new URL(at).pathname}/edit/${group}`, fields);
}

async function attest(base, record, starter, owner) {
  const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  await starter.goto(`${base}/campaigns/new`);
  await fill(starter, "/campaigns/new", {
    title: "Yearly confirmation", scope: "in", remind: day(3), due: day(7), escalate: day(9), report: day(12),
  }, "button[value=yes]");
  await starter.locator('form[action="/campaigns/new"] button').last().click();
  await owner.goto(`${base}/attest`);
  await owner.getByRole("radio", { name: /confirm|right/i }).first().check();
  await owner.locator('form[action="/attest"] button').last().click();
  await owner.waitForLoadState();
  const whole = await owner.request.get(new URL(`/api/v1/systems/${record}`, base).href);
  expect(await whole.text(), '"confirmations":[{', "the record after its owner's answer");
}

async function sign(base, scopeOwner, reviewer, number) {
  await scopeOwner.goto(`${base}/scope`);
  await fill(scopeOwner, "/scope/draft", {}, "button[value=begin]");
  await fill(scopeOwner, "/scope/draft", {
    organisation: "An organisation", activities: "What it does", text: "All of it",
  }, "button[value=propose]");
  await scopeOwner.goto(`${base}/scope/${number}`);
  await fill(scopeOwner, `/scope/${number}/approve`, { password });
  await reviewer.goto(`${base}/scope/${number}`);
  await fill(reviewer, `/scope/${number}/countersign`, { password });
  expect(await text(reviewer), "Signed", `statement ${number}`);
}

// A file of the tool in a home of this machine, as the tool itself writes it.
function plant(path, content) {
  const file = join(home, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, JSON.stringify(content));
  for (const own of [home, join(file, ".."), file]) chownSync(own, owned, owned);
}

// The beginning of a connection to a name as tcpdump writes it, a day later.
async function captured(file, name) {
  const tcpdump = spawn("tcpdump", ["-i", "lo", "-U", "-w", file, "tcp"], { stdio: ["ignore", "ignore", "pipe"] });
  await new Promise((listening) => tcpdump.stderr.once("data", listening));
  hello(name);
  await until(() => existsSync(file) && readFileSync(file).includes(name));
  const ended = new Promise((ended) => tcpdump.once("exit", ended));
  tcpdump.kill("SIGINT");
  await ended;
  // pcap: 24 bytes of head, then records of 16 bytes and what they say they hold.
  const bytes = readFileSync(file);
  for (let at = 24; at + 16 <= bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
    bytes.writeUInt32LE(bytes.readUInt32LE(at) + 86_400, at);
  }
  writeFileSync(file, bytes);
}

// The beginning of a connection to a name, to a listener of this walk.
function hello(name) {
  const server = createServer((socket) => setTimeout(() => socket.destroy(), 500));
  server.listen(0, "127.0.0.1", () => {
    const socket = connect({ host: "127.0.0.1", port: server.address().port, servername: name, rejectUnauthorized: false });
    socket.on("error", () => server.close());
  });
}
