// Walks the main job of each front door of a demonstration in real Chromium: by the keyboard alone, and with JavaScript switched off; and
// goes, as somebody of each role, to every place that is open to them. Fails where a step cannot be done so, where the focus is lost or cannot
// be seen, on serious or critical findings of axe, and on violations of the content policy.
//
//   node walks.mjs BASE_URL COLLECTOR_PROGRAM DATA_FOLDER [PICTURES]
//
// DATA_FOLDER is the one of the running `COLLECTOR_PROGRAM try --demo`. The pictures of README.md are left in the folder PICTURES. CHROMIUM names the browser (default /usr/bin/chromium).

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const [base, program, data, pictures] = process.argv.slice(2);
if (!base || !program || !data) {
  console.error("usage: node walks.mjs BASE_URL COLLECTOR_PROGRAM DATA_FOLDER [PICTURES]");
  process.exit(2);
}
if (pictures) mkdirSync(pictures, { recursive: true });
const problems = [];
const sessions = new Map();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let walks = 0;

await walk("security, by keyboard", "admin", true, async (page) => {
  await page.goto(`${base}/start/security`);
  await picture(page, "start");
  await press(page, "t", "/triage");
  await go(page, "New");
  await picture(page, "triage");
  const first = await heading(page);
  await key(page, "j", async () => (await heading(page)) !== first, "the next record");
  await key(page, "k", async () => (await heading(page)) === first, "the record before");
  // Dismissed with the keyboard alone: the form opens, its first field has the focus.
  await page.keyboard.press("d");
  await focused(page, "dismiss-why");
  await page.keyboard.press("ArrowDown");
  await tabTo(page, "dismiss-reason");
  await page.keyboard.type("A walk by the keyboard");
  await page.keyboard.press("Tab");
  await press(page, "Enter", "done=dismiss");
  await says(page, "Dismissed.");
  if ((await heading(page)) === first) throw new Error("the dismissed record is still looked at");
  await press(page, "z", "done=reopen");
  await says(page, "It is open again.");
  await go(page, "New");
  const looked = await heading(page);
  await press(page, "a", "done=triage");
  await says(page, "Marked as looked at.");
  if ((await heading(page)) === looked) throw new Error("the record that was looked at is still there");
  // From anywhere to anything.
  await page.keyboard.press("/");
  await focused(page, "find");
  await page.keyboard.type("retention");
  await press(page, "Enter", "/search");
  await says(page, "How long records are kept");
  await page.keyboard.press("?");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await press(page, "p", "/products");
  await key(page, "j", () => page.evaluate(() => document.activeElement?.matches("tbody a.name") === true), "the first row");
  await press(page, "Enter", "/products/");
});

await walk("a list follows its filters", "admin", true, async (page) => {
  await page.goto(`${base}/products`);
  await page.locator("#f-q").click();
  await page.keyboard.type("claude");
  await until(async () => page.url().includes("q=claude"), "the address has what was typed");
  await until(async () => (await page.evaluate(() => document.activeElement?.id)) === "f-q", "the focus stays in the field");
  await page.locator("#f-kind").selectOption("service");
  await until(async () => page.url().includes("kind=service"), "the list follows the choice");
  // The address of this window stays until it is closed; of pages nothing does.
  const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  if (kept.some((name) => name !== "htmx-current-path-for-history")) throw new Error(`something stays in the browser: ${kept}`);
  await page.goBack();
  await until(async () => !page.url().includes("kind=service"), "back is back");
});

await walk("security, without JavaScript", "admin", false, async (page) => {
  await page.goto(`${base}/start/security`);
  await page.getByRole("link", { name: "Triage" }).first().click();
  await page.getByRole("link", { name: /^New/ }).click();
  const first = await heading(page);
  await page.locator("#move-dismiss summary").click();
  await page.locator("#dismiss-why").selectOption("not-ai");
  await page.locator("#dismiss-reason").fill("A walk without JavaScript");
  await page.locator("#move-dismiss form button").click();
  await says(page, "Dismissed.");
  if ((await heading(page)) === first) throw new Error("the dismissed record is still looked at");
  await page.getByRole("button", { name: "Take it back" }).click();
  await says(page, "It is open again.");
  await page.goto(`${base}/products?confidence=high`);
  await page.locator(".keep-view summary").click();
  await page.locator("#view-name").fill("Sure ones");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator(".side").getByRole("link", { name: "Sure ones" }).click();
  if (!page.url().includes("confidence=high")) throw new Error("the saved view leads elsewhere");
  await page.locator("#find").fill("claude");
  await page.locator("#find").press("Enter");
  await says(page, "Products seen");
});

for (const scripted of [true, false]) {
  const how = scripted ? "by keyboard" : "without JavaScript";
  // The second is an owner without a role, who begins with what they answer for.
  await walk(`scope, ${how}`, scripted ? "admin" : await ownerWhoIsAsked(), scripted, async (page) => {
    await page.goto(scripted ? `${base}/start/scope` : `${base}/`);
    if (scripted) {
      await says(page, "Your systems");
      await press(page, "t", "/attest");
    }
    const answer = page.locator("input[type=radio][value=confirm]").first();
    if (scripted) {
      await answer.focus();
      await page.keyboard.press("Space");
      const send = page.getByRole("button", { name: /^Send/ }).first();
      await send.focus();
      await press(page, "Enter", "done=1");
    } else {
      await answer.check();
      await page.getByRole("button", { name: /^Send/ }).first().click();
    }
    if (!page.url().includes("done=1")) throw new Error(`no answer was taken: ${page.url()}`);
  });
  await walk(`roll-out, ${how}`, "admin", scripted, async (page) => {
    await page.goto(`${base}/start/it`);
    await says(page, "Install the agent");
    if (scripted) await press(page, "t", "/tokens");
    else await page.getByRole("link", { name: "Enrol machines" }).click();
    const label = page.getByLabel("What it is for");
    await label.focus();
    await page.keyboard.type(`A walk ${how}`);
    await tabTo(page, "t-unit");
    await page.keyboard.type("Walks");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/tokens");
    await says(page, "The token is made");
  });
  await walk(`audit, ${how}`, "demo-auditor", scripted, async (page) => {
    await page.goto(`${base}/`);
    await says(page, "Was anything rewritten?");
    const taken = page.waitForEvent("download");
    if (scripted) await page.keyboard.press("t");
    else await page.getByRole("button", { name: "Evidence pack" }).click();
    await taken;
    await page.goto(`${base}/start/audit`);
    await page.getByRole("link", { name: "Audit trail" }).last().click();
    await says(page, "export");
  });
  await walk(`people concerned, ${how}`, "demo-council", scripted, async (page) => {
    await page.goto(`${base}/`);
    await says(page, "What is collected?");
    if (scripted) await press(page, "t", "/notice");
    else await page.getByRole("link", { name: "The notice", exact: false }).first().click();
    await says(page, "What for, and what you can ask");
  });
}

const roles = ["analyst", "reviewer", "scope-owner", "deployer", "privacy", "auditor", "council", "owner-01"];
for (const role of roles) {
  await walk(`every place of ${role}`, `demo-${role}`, true, async (page) => {
    await page.goto(`${base}/`);
    const places = await page.locator(".side nav a").evaluateAll((links) => links.map((link) => link.href));
    if (places.length === 0) throw new Error("nothing is open to this role");
    for (const place of places) {
      const answer = await page.goto(place);
      if (!answer.ok()) problems.push(`${role}: ${place}: status ${answer.status()}`);
      const found = await new AxeBuilder({ page }).analyze();
      for (const violation of found.violations) {
        if (["serious", "critical"].includes(violation.impact)) problems.push(`${role}: ${place}: ${violation.id}: ${violation.help}`);
      }
    }
  });
}

await browser.close();
for (const problem of problems) console.error(problem);
console.log(`${walks} walks: ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);

/** An owner whom the campaign of the demonstration asks and who did not answer yet: the third of a unit, where they own something. */
async function ownerWhoIsAsked() {
  for (const serial of ["03", "06", "09", "12", "15", "18"]) {
    const person = `demo-owner-${serial}`;
    let asked = 0;
    try {
      const context = await signedIn(person, false);
      const page = await context.newPage();
      await page.goto(`${base}/attest`);
      asked = await page.locator("input[type=radio][value=confirm]").count();
      await context.close();
    } catch (error) {
      if (!/may sign in/.test(`${error.stderr ?? error.message}`)) throw error;
    }
    if (asked > 0) return person;
  }
  throw new Error("the demonstration asks no owner");
}

/** A window of somebody; the first time they sign in with a one-time link, by the keyboard. */
async function signedIn(person, javaScriptEnabled) {
  const options = { javaScriptEnabled, acceptDownloads: true };
  if (!sessions.has(person)) {
    const said = execFileSync(program, ["user", "link", person, "--data-dir", data], { encoding: "utf8", stdio: "pipe" });
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(new URL(said.match(/\/sign-in\/link\/\S+/)[0], base).href);
    await page.getByRole("button", { name: "Sign in" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
    sessions.set(person, await context.storageState());
    await context.close();
  }
  return browser.newContext({ ...options, storageState: sessions.get(person) });
}

/** Walks as somebody in a window of their own. */
async function walk(name, person, javaScriptEnabled, steps) {
  walks += 1;
  const context = await signedIn(person, javaScriptEnabled);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`${name}: ${page.url()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${name}: ${page.url()}: ${error.message}`));
  try {
    await steps(page);
    console.log(`${name}: done`);
  } catch (error) {
    problems.push(`${name}: ${page.url()}: ${error.message}`);
  }
  await context.close();
}

/** Leaves a picture, where pictures are wanted. */
async function picture(page, name) {
  if (!pictures) return;
  await page.setViewportSize({ width: 1280, height: 900 });
  // To hide the caret would take a style in the page, which the policy forbids.
  await page.screenshot({ path: join(pictures, `${name}.png`), caret: "initial" });
}

/** Presses a key that leads to an address. */
async function press(page, name, part) {
  await page.keyboard.press(name);
  await until(async () => page.url().includes(part), `${name} leads to ${part}`);
  await page.waitForLoadState();
}

/** Presses a key after which something holds. */
async function key(page, name, holds, what) {
  await page.keyboard.press(name);
  await until(holds, `${name} leads to ${what}`);
}

/** Follows a tab by the keyboard. */
async function go(page, tab) {
  await page.getByRole("navigation", { name: "Queues" }).getByRole("link", { name: new RegExp(`^${tab}`) }).focus();
  await page.keyboard.press("Enter");
  await until(async () => page.url().includes(`queue=${tab.toLowerCase()}`), `the queue ${tab}`);
  await page.waitForLoadState();
}

/** Goes from field to field until one has the focus. */
async function tabTo(page, id) {
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(() => document.activeElement?.id)) === id) return focused(page, id);
  }
  throw new Error(`Tab does not reach ${id}`);
}

/** A field has the focus, and one sees that it has. */
async function focused(page, id) {
  await until(async () => (await page.evaluate(() => document.activeElement?.id)) === id, `the focus is in ${id}`);
  const seen = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  });
  if (!seen) throw new Error(`the focus in ${id} cannot be seen`);
}

async function heading(page) {
  return page.locator("#h-record").textContent();
}

async function says(page, words) {
  await until(async () => (await page.locator("main").textContent())?.includes(words), `the page says “${words}”`);
}

async function until(holds, what) {
  const end = Date.now() + 20_000;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (!/context was destroyed|navigation/i.test(error.message)) throw error;
    }
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
