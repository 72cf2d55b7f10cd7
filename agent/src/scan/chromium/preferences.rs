//! `Preferences` and `Secure Preferences` of a profile, of which only the settings of extensions are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scan::safe::Trouble;

/// Most extensions of one profile. People have dozens.
pub(super) const SETTINGS: usize = 2_000;

/// What a profile says of its extensions, by their ids.
pub(super) type Settings = BTreeMap<String, Setting>;

/// What a profile says of one extension.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Setting {
    state: Option<i64>,
    location: Option<i64>,
    /// Relative to the folder of extensions, or where it was loaded from.
    pub(super) path: Option<String>,
    disable_reasons: Reasons,
    manifest: Option<Stored>,
}

/// As far as the profile keeps the manifest: of what the browser brings along it always does.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stored {
    version: Option<String>,
    name: Option<String>,
}

/// How an extension came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A person took it from a store, or a program of the machine asked for it.
    Installed,
    /// Loaded from a folder.
    Unpacked,
    /// Part of the browser.
    BuiltIn,
    /// An administrator's order.
    Policy,
}

impl Setting {
    /// Whether it runs. A profile written by a new browser has no `state` but a list of reasons to be off.
    pub(super) fn enabled(&self) -> bool {
        self.disable_reasons.0 == 0 && matches!(self.state, None | Some(1))
    }

    /// By `ManifestLocation` of Chromium's extensions/common/mojom/manifest.mojom.
    pub(super) fn origin(&self) -> Origin {
        match self.location {
            Some(4 | 8) => Origin::Unpacked,
            Some(5 | 10) => Origin::BuiltIn,
            Some(7 | 9) => Origin::Policy,
            _ => Origin::Installed,
        }
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.manifest.as_ref()?.version.as_deref()
    }

    /// Its name; a name that stands for a message says nothing without the extension's folder.
    pub(super) fn name(&self) -> Option<&str> {
        self.manifest.as_ref()?.name.as_deref().filter(|name| !name.starts_with("__MSG_"))
    }
}

/// How many reasons there are to be off: a bit mask once, a list now.
#[derive(Debug, Default)]
struct Reasons(i64);

impl<'de> Deserialize<'de> for Reasons {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = Reasons;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("reasons to be off")
            }

            fn visit_i64<E>(self, mask: i64) -> Result<Reasons, E> {
                Ok(Reasons(mask))
            }

            fn visit_u64<E>(self, mask: u64) -> Result<Reasons, E> {
                Ok(Reasons(i64::from(mask != 0)))
            }

            fn visit_unit<E>(self) -> Result<Reasons, E> {
                Ok(Reasons(0))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Reasons, A::Error> {
                let mut count = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Reasons(count))
            }
        }
        deserializer.deserialize_any(Count)
    }
}

#[derive(Deserialize)]
struct File {
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    settings: Option<Bounded>,
    /// Opera's own.
    opsettings: Option<Bounded>,
}

/// The settings, and whether there were more than are kept: what is no id, and what is beyond [`SETTINGS`], takes no
/// room.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    pub(super) kept: Settings,
    pub(super) cut: bool,
}

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Bounded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("settings of extensions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bounded, A::Error> {
                let mut settings = Bounded::default();
                while let Some(id) = map.next_key::<String>()? {
                    let room = settings.kept.len() < SETTINGS;
                    if is_id(&id) && room {
                        settings.kept.insert(id, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        settings.cut |= !room;
                    }
                }
                Ok(settings)
            }
        }
        deserializer.deserialize_map(Few)
    }
}

/// The settings of a profile's extensions.
pub(super) fn parse(reader: impl Read) -> Result<Bounded, Trouble> {
    let file: File = serde_json::from_reader(reader).map_err(|error| Trouble::of_json(&error))?;
    let Some(extensions) = file.extensions else { return Ok(Bounded::default()) };
    let mut settings = extensions.settings.unwrap_or_default();
    let opera = extensions.opsettings.unwrap_or_default();
    settings.kept.extend(opera.kept);
    settings.cut |= opera.cut;
    Ok(settings)
}

/// 32 letters from `a` to `p`: each stands for half a byte of a hash.
pub(super) fn is_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| (b'a'..=b'p').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Chrome 127 and Chromium 156 write it, cut to what matters; the first is a mask, the second a list.
    const PREFERENCES: &str = r#"{"account_info":[{"email":"kim@example.org"}],"extensions":{"alerts":{"initialized":true},
        "settings":{"fcoeoabgfenejglbffodgkkbkcdhcgfn":{"active_permissions":{"api":["storage"]},"disable_reasons":[],
        "from_webstore":true,"location":1,"path":"fcoeoabgfenejglbffodgkkbkcdhcgfn/1.0.2_0","state":1},
        "difoiogjjojoaoomphldepapgpbgkhkb":{"disable_reasons":1,"location":1,"state":0},
        "kbfnbcaeplbcioakkpcpgfkobkghlhen":{"disable_reasons":[1,8192],"location":7},
        "fdokkhpphmdjapihbkfjkmdbiajgmjhb":{"account_extension_type":0,"commands":{},"disable_reasons":[],
        "location":8,"path":"/home/kim/ext","withholding_permissions":false},
        "mhjfbmdgcfjbbpaeojofohoefgiehjai":{"disable_reasons":[],"location":5,"manifest":{"name":"Chromium PDF Viewer",
        "permissions":[{"fileSystem":["write"]}],"version":"1"},"path":"/usr/lib/chromium/resources/pdf"}}}}"#;

    #[test]
    fn preferences_give_state_and_origin() {
        let settings = parse(PREFERENCES.as_bytes()).unwrap().kept;
        let of = |id: &str| (settings[id].enabled(), settings[id].origin());
        assert_eq!(of("fcoeoabgfenejglbffodgkkbkcdhcgfn"), (true, Origin::Installed));
        assert_eq!(of("difoiogjjojoaoomphldepapgpbgkhkb"), (false, Origin::Installed));
        assert_eq!(of("kbfnbcaeplbcioakkpcpgfkobkghlhen"), (false, Origin::Policy));
        assert_eq!(of("fdokkhpphmdjapihbkfjkmdbiajgmjhb"), (true, Origin::Unpacked));
        let pdf = &settings["mhjfbmdgcfjbbpaeojofohoefgiehjai"];
        assert_eq!((pdf.origin(), pdf.version()), (Origin::BuiltIn, Some("1")));
        assert_eq!(pdf.name(), Some("Chromium PDF Viewer"));
    }

    #[test]
    fn what_is_no_id_and_what_is_too_many_takes_no_room() {
        let letters = |i: usize| -> String {
            format!("{i:032}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
        };
        let of = |count: usize| {
            let many: Vec<_> = (0..count).map(|i| format!(r#""{}":{{}},"x{i}":{{}}"#, letters(i))).collect();
            parse(format!(r#"{{"extensions":{{"settings":{{{}}}}}}}"#, many.join(",")).as_bytes()).unwrap()
        };
        let (few, many) = (of(10), of(SETTINGS + 1));
        assert_eq!((few.kept.len(), few.cut), (10, false));
        assert_eq!((many.kept.len(), many.cut), (SETTINGS, true));
    }

    #[test]
    fn an_id_has_32_letters_from_a_to_p() {
        assert!(is_id("fcoeoabgfenejglbffodgkkbkcdhcgfn"));
        assert!(!is_id("fcoeoabgfenejglbffodgkkbkcdhcgf"));
        assert!(!is_id("rcoeoabgfenejglbffodgkkbkcdhcgfn"));
        assert!(!is_id("Temp"));
    }

    #[test]
    fn every_prefix_of_preferences_is_an_error_and_no_panic() {
        for end in 0..PREFERENCES.len() {
            assert!(parse(&PREFERENCES.as_bytes()[..end]).is_err());
        }
    }
}
