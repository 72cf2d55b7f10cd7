//! Files as their own programs write them.

use super::*;

fn of(name: &str, text: &str) -> Vec<(SoftwareKind, String, Option<String>, bool)> {
    let mut named = Vec::new();
    let mut each = |d: Dependency| named.push((d.kind, d.name, d.version, d.direct));
    match reader(name).unwrap() {
        Reader::Whole(parse) => parse(text.as_bytes(), &mut each).unwrap(),
        Reader::Stream(parse) => parse(&mut text.as_bytes(), &mut each).unwrap(),
        Reader::Name => {}
    }
    named
}

fn short(name: &str, text: &str) -> Vec<String> {
    let line = |(_, name, version, direct): (SoftwareKind, String, Option<String>, bool)| {
        let mark = if direct { "" } else { "~" };
        format!("{mark}{name} {}", version.unwrap_or_else(|| "-".into()))
    };
    of(name, text).into_iter().map(line).collect()
}

#[test]
fn every_name_is_of_a_file_that_is_read_and_others_are_not() {
    for (name, _) in FILES {
        assert!(is_manifest(name), "{name}");
    }
    for name in INSTRUCTIONS {
        assert!(is_manifest(name), "{name}");
    }
    for name in
        ["requirements.txt", "requirements-dev.txt", "Shop.csproj", "Cargo.toml", "Pipfile", "Gemfile"]
    {
        assert!(is_manifest(name), "{name}");
    }
    for name in ["", "a", "README.md", "notes.txt", "tsconfig.json", "Makefile", "é", "main.rs", "x.lock"] {
        assert!(!is_manifest(name), "{name}");
    }
}

#[test]
fn package_json_names_what_the_project_asks_for() {
    let text = r#"{"name": "shop", "dependencies": {"@anthropic-ai/sdk": "^0.30.1", "openai": "4.104.0"},
        "devDependencies": {"ai": "npm:openai@5.0.1", "typescript": "~5.4"}, "scripts": {"x": "node x"}}"#;
    let names = ["@anthropic-ai/sdk -", "openai 4.104.0", "openai 5.0.1", "typescript -"];
    assert_eq!(short("package.json", text), names);
}

#[test]
fn lock_files_of_node_give_name_and_version() {
    let npm = r#"{"name": "shop", "lockfileVersion": 3, "requires": true, "packages": {"": {"name": "shop"},
        "node_modules/openai": {"version": "4.104.0", "resolved": "x"}, "packages/own": {"version": "1"},
        "node_modules/a/node_modules/@s/b": {"version": "1.0.0", "dev": true}},
        "dependencies": {"@s/c": {"version": "2.0.0", "requires": {"d": "1"}}}}"#;
    assert_eq!(short("package-lock.json", npm), ["~openai 4.104.0", "~@s/b 1.0.0", "~@s/c 2.0.0"]);
    let pnpm = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      openai:\n        specifier: ^4\n\n\
        packages:\n\n  '@types/node@18.19.0':\n    resolution: {integrity: x}\n\n  openai@4.104.0:\n    hasBin: true\n\n\
        snapshots:\n\n  openai@4.104.0(ws@8.0.0):\n    dependencies:\n      x: 1\n\n  empty@1.0.0: {}\n";
    assert_eq!(
        short("pnpm-lock.yaml", pnpm),
        ["~@types/node 18.19.0", "~openai 4.104.0", "~openai 4.104.0", "~empty 1.0.0"]
    );
    let older = "packages:\n\n  /@s/b/1.0.0:\n    dev: true\n\n  /openai@4.1.0:\n    dev: false\n";
    assert_eq!(short("pnpm-lock.yaml", older), ["~@s/b 1.0.0", "~openai 4.1.0"]);
    let yarn = "# yarn lockfile v1\n\n\n\"@s/b@^1.0.0\", \"@s/b@^1.1.0\":\n  version \"1.1.2\"\n  resolved \"x\"\n\n\
        openai@^4.0.0:\n  version \"4.104.0\"\n  dependencies:\n    version \"^1\"\n";
    assert_eq!(short("yarn.lock", yarn), ["~@s/b 1.1.2", "~openai 4.104.0"]);
    let berry = "__metadata:\n  version: 8\n\n\"ai@npm:openai@^4.0.0\":\n  version: 4.104.0\n\n\"ws@npm:^8\":\n  version: 8.1.0\n";
    assert_eq!(short("yarn.lock", berry), ["~openai 4.104.0", "~ws 8.1.0"]);
    let bun = "{\n  \"lockfileVersion\": 1,\n  \"packages\": {\n    \"openai\": [\"openai@4.104.0\", \"\", { \"bin\": 1 }, \"x\"],\n\n    \
        \"@s/b\": [\"@s/b@1.0.0\", \"\", {}, \"x\"],\n  }\n}\n";
    assert_eq!(short("bun.lock", bun), ["~openai 4.104.0", "~@s/b 1.0.0"]);
}

#[test]
fn python_files_give_name_and_pinned_version() {
    let text = "# models\n-r base.txt\n--index-url https://x/simple\nopenai==1.54.3 ; python_version > '3.8'\n\
        langchain[all]>=0.3\nTorch == 2.4.0 \\\n    --hash=sha256:00\ngit+https://github.com/x/y.git\n./local\nsix # note\n\
        anthropic @ https://x/y.whl\n\n";
    let names = ["openai 1.54.3", "langchain -", "Torch 2.4.0", "six -", "anthropic -"];
    assert_eq!(short("requirements.txt", text), names);
    let project = "[project]\nname = 'shop'\ndependencies = ['openai>=1', 'httpx==0.27.0']\n\
        [project.optional-dependencies]\nlocal = ['llama-cpp-python']\n[dependency-groups]\ndev = ['pytest', {include-group = 'x'}]\n\
        [tool.poetry.dependencies]\npython = '^3.11'\nlangchain = {version = '0.3.1', extras = ['x']}\n\
        [tool.poetry.group.x.dependencies]\nmistralai = '^1'\n";
    let names =
        ["openai -", "httpx 0.27.0", "llama-cpp-python -", "pytest -", "langchain 0.3.1", "mistralai -"];
    assert_eq!(short("pyproject.toml", project), names);
    let lock = "version = 1\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"openai\"\nversion = \"1.54.3\"\n\
        source = { registry = \"https://pypi.org/simple\" }\ndependencies = [\n    { name = \"httpx\" },\n]\n\n\
        [[package]]\nname = \"shop\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n\n[package.metadata]\nname = \"no\"\n";
    assert_eq!(short("uv.lock", lock), ["~openai 1.54.3", "~shop 0.1.0"]);
    assert_eq!(
        short("Pipfile", "[packages]\nopenai = \"==1.0.0\"\nsix = \"*\"\n"),
        ["openai 1.0.0", "six -"]
    );
    let lock = r#"{"_meta": {"hash": {"sha256": "x"}}, "default": {"openai": {"hashes": [], "version": "==1.0.0"}}, "develop": {}}"#;
    assert_eq!(short("Pipfile.lock", lock), ["~openai 1.0.0"]);
    let environment = "name: x\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - conda-forge::llama.cpp=0.0.1=cpu\n  \
        - numpy>=1\n  - pip:\n      - openai==1.2.3\n";
    let named = of("environment.yml", environment);
    assert_eq!(named[1], (SoftwareKind::Conda, "llama.cpp".into(), Some("0.0.1".into()), true));
    assert_eq!(named[3], (SoftwareKind::Pypi, "openai".into(), Some("1.2.3".into()), true));
}

#[test]
fn rust_go_and_ruby_files_give_names() {
    let cargo = "[package]\nname = \"x\"\n[dependencies]\nasync-openai = \"=0.28.1\"\nai = { package = \"genai\", version = \"0.1\" }\n\
        [target.'cfg(unix)'.dev-dependencies]\nollama-rs = { git = \"https://x\" }\n[workspace.dependencies]\ncandle-core = \"0.8\"\n";
    assert_eq!(
        short("Cargo.toml", cargo),
        ["genai -", "async-openai 0.28.1", "candle-core -", "ollama-rs -"]
    );
    let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"async-openai\"\nversion = \"0.28.1\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    assert_eq!(short("Cargo.lock", lock), ["~async-openai 0.28.1"]);
    let module = "module example.org/x\n\ngo 1.24\n\nrequire github.com/a/b v1.0.0\n\nrequire (\n\tgithub.com/openai/openai-go v0.1.0\n\t\
        github.com/c/d v2.0.0 // indirect\n)\n\nreplace github.com/a/b => ../b\n";
    let names = ["github.com/a/b v1.0.0", "github.com/openai/openai-go v0.1.0", "~github.com/c/d v2.0.0"];
    assert_eq!(short("go.mod", module), names);
    let gems =
        "source 'https://rubygems.org'\ngem 'ruby-openai', '~> 7'\n  gem(\"rails\")\n# gem 'no'\ngemspec\n";
    assert_eq!(short("Gemfile", gems), ["ruby-openai -", "rails -"]);
    let lock = "GEM\n  remote: https://rubygems.org/\n  specs:\n    ruby-openai (7.3.1)\n      faraday (>= 1)\n\nPLATFORMS\n  ruby\n";
    assert_eq!(short("Gemfile.lock", lock), ["~ruby-openai 7.3.1"]);
}

#[test]
fn dotnet_java_and_php_files_give_names() {
    let project = "<Project Sdk=\"Microsoft.NET.Sdk\">\n <ItemGroup>\n  <!-- <PackageReference Include=\"No\" Version=\"1\" /> -->\n  \
        <PackageReference Include=\"OpenAI\" Version=\"2.1.0\" />\n  <PackageReference Version=\"$(v)\" Include='Azure.AI.OpenAI'>\n  \
        </PackageReference>\n </ItemGroup>\n</Project>";
    assert_eq!(short("Shop.csproj", project), ["OpenAI 2.1.0", "Azure.AI.OpenAI -"]);
    let old = "<?xml version=\"1.0\"?><packages><package id=\"OpenAI\" version=\"1.0\" targetFramework=\"net48\" /></packages>";
    assert_eq!(short("packages.config", old), ["OpenAI 1.0"]);
    let pom = "<project><groupId>x</groupId><dependencies><dependency><groupId>dev.langchain4j</groupId>\n\
        <artifactId>langchain4j</artifactId><version>1.0.0</version><exclusions><exclusion><groupId>no</groupId></exclusion></exclusions>\
        </dependency><dependency><groupId>a</groupId><artifactId>b</artifactId><version>${v}</version></dependency></dependencies></project>";
    assert_eq!(short("pom.xml", pom), ["dev.langchain4j:langchain4j 1.0.0", "a:b -"]);
    let gradle = "plugins { id 'java' }\ndependencies {\n  implementation 'com.openai:openai-java:4.15.0'\n  // implementation 'no.no:no:1'\n  \
        implementation(\"dev.langchain4j:langchain4j\")\n  url = 'https://x.example:8080/y'\n}\n";
    assert_eq!(
        short("build.gradle", gradle),
        ["com.openai:openai-java 4.15.0", "dev.langchain4j:langchain4j -"]
    );
    let versions = "[versions]\nai = \"1.0.0\"\n[libraries]\na = { module = \"dev.langchain4j:langchain4j\", version.ref = \"ai\" }\n\
        b = \"com.openai:openai-java:4.15.0\"\nc = { group = \"g.h\", name = \"n\", version = \"2\" }\n";
    let mut names = short("libs.versions.toml", versions);
    names.sort();
    assert_eq!(names, ["com.openai:openai-java 4.15.0", "dev.langchain4j:langchain4j 1.0.0", "g.h:n 2"]);
    let composer =
        r#"{"require": {"php": ">=8", "openai-php/client": "^0.10"}, "require-dev": {"ext-json": "*"}}"#;
    assert_eq!(short("composer.json", composer), ["openai-php/client -"]);
    let lock = r#"{"packages": [{"name": "openai-php/client", "version": "v0.10.3", "dist": {}}], "packages-dev": []}"#;
    assert_eq!(short("composer.lock", lock), ["~openai-php/client v0.10.3"]);
}

#[test]
fn nothing_fails_on_half_a_file() {
    let texts = [
        r#"{"packages": {"node_modules/openai": {"version": "4.104.0"}}, "dependencies": {"a": "1"}}"#,
        "packages:\n\n  '@s/b@1.0.0(x)':\n  é@:\n",
        "\"@s/b@^1\", é@npm:@:\n  version \"1\n",
        "[[package]]\nname = \"é\"\nversion = \"1\nsource",
        "require (\n\té v1 // indirect\n)\n",
        "<dependency><groupId>é</groupId><artifactId>b</artifactId></dependency><PackageReference Include='é'/>",
        "é[x]==1 ; y\nimplementation 'é:b:1'\ngem 'é'\n    é (1)\n",
    ];
    for text in texts {
        for end in 0..=text.len() {
            parse_all(&text.as_bytes()[..end]);
        }
    }
}

#[test]
fn a_line_without_end_and_a_binary_file_are_survived() {
    let mut long = vec![b'x'; 300_000];
    long.extend(b"\nopenai@^4.0.0:\n  version \"4.0.0\"\n");
    let mut named = Vec::new();
    locks::yarn(&mut long.as_slice(), &mut |dependency| named.push(dependency.name)).unwrap();
    assert_eq!(named, ["openai"]);
    assert_eq!(locks::yarn(&mut b"a\0b\n".as_slice(), &mut |_| {}), Err(Trouble::Malformed));
    let deep = format!("{{\"packages\": {}", "{\"a\":".repeat(200_000));
    assert_eq!(locks::package_lock(&mut deep.as_bytes(), &mut |_| {}), Err(Trouble::Malformed));
}
