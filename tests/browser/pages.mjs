// Opens every page of a running collector in real Chromium, light and dark, at three widths, and fails on
// serious or critical findings of axe, on violations of the content policy, on errors of the console, on
// what spills over the side, and on pages of 100 kB or more (1 MB where all of something is there to be printed), in English and German. Leaves
// a picture of each in a folder.
//
//   node pages.mjs BASE_URL SIGN_IN_LINK [FOLDER] [brief] [lists]
//
// With `brief` there are no pictures, and axe looks at each page in its narrowest light and its widest dark form only. With `lists`
// the governed records are not opened: the sample fleet of the unit tests lists them and has nothing behind them.
//
// CHROMIUM names the browser (default /usr/bin/chromium). The link is used up.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const [base, link, folder = "pictures", ...flags] = process.argv.slice(2);
if (!base || !link || flags.some((flag) => !["brief", "lists"].includes(flag))) {
  console.error("usage: node pages.mjs BASE_URL SIGN_IN_LINK [FOLDER] [brief] [lists]");
  process.exit(2);
}
const [brief, lists] = ["brief", "lists"].map((flag) => flags.includes(flag));
const MAX_BYTES = 100_000;
const WIDTHS = [320, 768, 1440];
const problems = [];
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const options = { ignoreHTTPSErrors: true, javaScriptEnabled: true };

// The sign-in pages, and the session that the other visits use.
const first = await browser.newContext(options);
const door = await first.newPage();
watch(door);
await visit(door, "sign-in", new URL("/sign-in", base).href);
await visit(door, "sign-in-link", link);
await door.getByRole("button", { name: "Sign in" }).click();
await door.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
const session = await first.storageState();
await first.close();

const context = await browser.newContext({ ...options, storageState: session });
const page = await context.newPage();
watch(page);
const places = {
  "start-security": "/start/security",
  "start-security-unit": "/start/security?by=unit",
  "start-scope": "/start/scope",
  "start-it": "/start/it",
  "start-privacy": "/start/privacy",
  triage: "/triage",
  "triage-new": "/triage?queue=new",
  "triage-own": "/triage?queue=own",
  search: "/search?q=open",
  "search-none": "/search?q=nothing-is-called-this",
  "search-begin": "/search",
  views: "/views",
  style: "/style",
  products: "/products",
  "products-filtered": "/products?kind=service&sort=name&dir=asc",
  "products-none": "/products?q=no-product-is-called-this",
  inventory: "/inventory",
  "inventory-filtered": "/inventory?review=pending&owner=mine&sort=review",
  "record-new": "/inventory/new",
  review: "/review",
  "review-new": "/review?queue=new",
  policies: "/policies",
  trail: "/trail",
  "trail-entry": "/trail/0",
  assets: "/assets",
  coverage: "/coverage",
  readiness: "/readiness",
  controls: "/readiness/controls",
  requirement: "/readiness/R-4.3-a",
  indicators: "/indicators",
  target: "/indicators/K-04",
  "management-reviews": "/management-reviews",
  scope: "/scope",
  "scope-endpoints": "/scope/endpoints",
  "scope-sites": "/scope/sites",
  "own-rules": "/catalogue/own",
  "own-rules-new": "/catalogue/own/new",
  "own-rules-suspect": "/catalogue/own/new?suffix=good-bot.ai&from=suspect",
  "own-rules-deny": "/catalogue/own/new?what=deny",
  "own-rules-text": "/catalogue/own/edit",
  catalogue: "/catalogue",
  "catalogue-filtered": "/catalogue?q=code&category=coding&sort=checked&dir=desc",
  "catalogue-none": "/catalogue?q=no-product-is-called-this",
  vendor: "/catalogue/anthropic",
  campaigns: "/campaigns",
  "campaigns-new": "/campaigns/new?look=yes",
  attest: "/attest",
  findings: "/findings",
  "findings-all": "/findings?state=all",
  tasks: "/tasks",
  vendors: "/vendors",
  "vendor-dossier": "/vendors/anthropic",
  suspects: "/suspects",
  "suspects-dismissed": "/suspects?kind=dismissed",
  notice: "/notice",
  privacy: "/privacy",
  dpia: "/privacy/dpia",
  erasures: "/privacy/erasures",
  emergency: "/emergency",
  reidentification: "/reidentification",
  "reidentification-report": "/reidentification/report",
  tokens: "/tokens",
  export: "/export",
  snapshots: "/snapshots",
  "legal-dates": "/legal-dates",
  people: "/people",
  "people-none": "/people?q=nobody-is-called-this",
  "people-all": "/people?kind=all",
  "person-new": "/people/new",
  person: "/people/1",
  "people-import": "/people/import",
  readings: "/people/readings",
  units: "/units",
  account: "/account",
  "second-factor": "/account/second-factor",
  "api-tokens": "/account/api-tokens",
  confirm: "/confirm?next=/account",
  password: "/password",
  "error-404": "/no-such-page",
  "error-400": "/products?kind=spaceship",
};
const behind = { product: "/products", asset: "/assets" };
if (!lists) {
  Object.assign(behind, {
    record: "/inventory", finding: "/findings?state=all", task: "/tasks?state=all", statement: "/scope", campaign: "/campaigns",
  });
}
for (const [name, list] of Object.entries(behind)) {
  await page.goto(new URL(list, base).href);
  const row = page.locator("tbody th a").first();
  if (await row.count()) places[name] = await row.getAttribute("href");
}
// What there is once a campaign has ended, and a second statement was signed.
const further = [["campaign-report", places.campaign ?? "/campaigns", "a[href$='/report']"], ["statement-diff", "/scope", "a[href*='/scope/diff']"]];
for (const [name, list, which] of further) {
  await page.goto(new URL(list, base).href);
  const found = page.locator(which).first();
  if (await found.count()) places[name] = await found.getAttribute("href");
}
// A statement's lists, each on pages of its own, and the whole of it to print.
if (places.statement) {
  places["statement-list"] = `${places.statement}/undetermined`;
  places["statement-print"] = `${places.statement}/print`;
}
// Each form of a record.
if (places.record) {
  for (const group of ["identity", "purpose", "roles", "supplier", "data", "risk", "life"]) {
    places[`record-${group}`] = `${places.record}/edit/${group}`;
  }
}
// An assistant: settings, parts, accounts and flags are shown of it.
await page.goto(new URL("/products", base).href);
const assistant = page.locator("tbody th a", { hasText: "Claude Code" }).first();
if (await assistant.count()) places["product-assistant"] = await assistant.getAttribute("href");
for (const [name, path] of Object.entries(places)) {
  await visit(page, name, new URL(path, base).href, /^error-/.test(name));
}

// In German words are longer: nothing spills over the side of a small screen there either.
const german = await browser.newContext({ ...options, storageState: session, locale: "de-DE" });
const reader = await german.newPage();
watch(reader);
await reader.setViewportSize({ width: WIDTHS[0], height: 900 });
for (const [name, path] of Object.entries(places)) {
  const answer = await reader.goto(new URL(path, base).href);
  const bytes = (await answer.body()).length;
  if (bytes >= (name.endsWith("-print") ? 10 * MAX_BYTES : MAX_BYTES)) problems.push(`${name} in German: ${bytes} bytes`);
  const [lang, spill] = await reader.evaluate(() => [document.documentElement.lang, document.documentElement.scrollWidth - window.innerWidth]);
  if (lang !== "de") problems.push(`${name} in German: the page says that it is in ${lang}`);
  if (spill > 0) problems.push(`${name} in German: ${spill} pixels over the side at ${WIDTHS[0]}`);
  await picture(reader, `${name}-german`);
}
await german.close();

// A form with a mistake, a token made, and revoked again; without JavaScript, as every page must work.
const plain = await browser.newContext({ ...options, storageState: session, javaScriptEnabled: false });
const tokens = await plain.newPage();
await tokens.goto(new URL("/tokens", base).href);
await tokens.getByLabel("What it is for").fill("Browser check");
await tokens.getByLabel("Unit").fill("Browser check");
await tokens.getByRole("button", { name: "Make a token" }).click();
const made = await tokens.locator("pre.copy").first().textContent();
if (!/--token umb1-/.test(made ?? "")) problems.push("token-made: no command to copy");
for (const width of WIDTHS) {
  await tokens.setViewportSize({ width, height: 900 });
  await picture(tokens, `token-made-${width}-light`);
}
await tokens.goto(new URL("/tokens", base).href);
const revoke = tokens.getByRole("button", { name: "Revoke Browser check" }).first();
if (await revoke.count()) await revoke.click();
await tokens.goto(new URL("/products", base).href);
if (places.product) {
  // On its first day a collector has no table to sort.
  await tokens.getByRole("link", { name: "Vendor", exact: true }).click();
  if (!tokens.url().includes("sort=vendor")) problems.push("products: the head of a column does not sort");
}
await plain.close();

// Keyboard: the first stop is the link to the content.
await page.goto(new URL("/products", base).href);
await page.keyboard.press("Tab");
const stop = await page.evaluate(() => document.activeElement?.textContent);
if (stop !== "Skip to the content") problems.push(`products: the first stop of Tab is ${stop}`);

// Paper.
await page.emulateMedia({ media: "print" });
await picture(page, "products-print");

// Signing out ends the session.
await page.emulateMedia({ media: "screen" });
await page.getByRole("button", { name: "Sign out" }).click();
await page.goto(new URL("/products", base).href);
if (!page.url().includes("/sign-in")) problems.push("sign-out: the session goes on");
await browser.close();

for (const problem of problems) console.error(problem);
console.log(`${Object.keys(places).length + 3} pages, ${WIDTHS.length} widths, light and dark: ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);

/** Collects what the browser complains of. */
function watch(tab) {
  tab.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) {
      problems.push(`${tab.url()}: console: ${message.text()}`);
    }
  });
  tab.on("pageerror", (error) => problems.push(`${tab.url()}: ${error.message}`));
  tab.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) problems.push(`${tab.url()}: asks elsewhere: ${request.url()}`);
  });
}

/** Leaves a picture, where pictures are wanted. */
async function picture(tab, name) {
  if (!brief) await tab.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** Looks at one address in every width and colour. */
async function visit(tab, name, address, error = false) {
  const answer = await tab.goto(address);
  if (answer.ok() === error) problems.push(`${name}: status ${answer.status()}`);
  const policy = answer.headers()["content-security-policy"] ?? "";
  if (!policy.includes("default-src 'none'") || policy.includes("unsafe")) problems.push(`${name}: policy ${policy}`);
  const bytes = (await answer.body()).length;
  // What is there to be printed is whole on purpose.
  if (bytes >= (name.endsWith("-print") ? 10 * MAX_BYTES : MAX_BYTES)) problems.push(`${name}: ${bytes} bytes`);
  for (const colorScheme of ["light", "dark"]) {
    await tab.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await tab.setViewportSize({ width, height: 900 });
      await picture(tab, `${name}-${width}-${colorScheme}`);
      const spill = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (spill > 0) problems.push(`${name}: ${spill} pixels over the side at ${width}`);
      // What dark changes is colours, which no width changes.
      const looked = colorScheme === "dark" ? width === WIDTHS.at(-1) : !brief || width === WIDTHS[0];
      if (!looked) continue;
      const found = await new AxeBuilder({ page: tab }).analyze();
      for (const violation of found.violations) {
        if (["serious", "critical"].includes(violation.impact)) {
          const where = violation.nodes.slice(0, 3).map((node) => node.target.join(" "));
          problems.push(`${name} at ${width} ${colorScheme}: ${violation.id}: ${violation.help}: ${where.join(", ")}`);
        }
      }
    }
  }
  console.log(`${name}: ${bytes} bytes`);
}
