//! The collector's own signing key, in minisign's form.

use minisign::{KeyPair, PublicKey as Signer, SecretKey, SecretKeyBox};
use umbrascope_rules::Date;
use umbrascope_rules::bundle::{Draft, Kind, PublicKey};

use super::FILE;

/// How long agents take a version, in days. They go on with what they have after that, and a newer version comes
/// whenever the rules change: there is nobody to renew it for.
const LIFE_DAYS: u32 = 3650;

/// Signs own rules.
pub struct OwnKey {
    secret: SecretKey,
    public: PublicKey,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the key of the own rules cannot be used ({0})")]
pub struct KeyError(String);

impl KeyError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnKey({})", self.public.id())
    }
}

impl OwnKey {
    /// The text of a new key's file.
    pub fn create() -> Result<String, KeyError> {
        let pair = KeyPair::generate_unencrypted_keypair().map_err(KeyError::of)?;
        let comment = "secret key of this collector for its organisation's own rules";
        Ok(pair.sk.to_box(Some(comment)).map_err(KeyError::of)?.to_string())
    }

    /// Reads a key's file.
    pub fn load(text: &str) -> Result<Self, KeyError> {
        let boxed = SecretKeyBox::from_string(text).map_err(KeyError::of)?;
        let secret = SecretKey::from_unencrypted_box(boxed).map_err(KeyError::of)?;
        let public = Signer::from_secret_key(&secret).map_err(KeyError::of)?;
        Ok(Self { secret, public: public.to_base64().parse().map_err(KeyError::of)? })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signed bundle of own rules.
    pub fn sign(&self, text: &str, number: u32, today: Date) -> Result<Vec<u8>, KeyError> {
        let expires = Date::from_days(today.days().saturating_add(LIFE_DAYS));
        let part = [(FILE, text.as_bytes())];
        let draft = Draft::new(Kind::Overlay, number, today, expires, &part).map_err(KeyError::of)?;
        let signature = minisign::sign(None, &self.secret, draft.to_sign(), Some(&draft.comment), None)
            .map_err(KeyError::of)?;
        draft.sign(&signature.to_string()).map_err(KeyError::of)
    }
}

#[cfg(test)]
mod tests {
    use umbrascope_rules::bundle;

    use super::*;

    #[test]
    fn what_a_key_signed_reads_back_and_no_other_key_will_do() {
        let key = OwnKey::load(&OwnKey::create().unwrap()).unwrap();
        let today = Date::from_days(20_000);
        let bytes = key.sign("# nothing", 3, today).unwrap();
        let bundle = bundle::read(&bytes, std::slice::from_ref(key.public()), Kind::Overlay).unwrap();
        assert_eq!(bundle.manifest.number, 3);
        assert_eq!(&*bundle.part(FILE).unwrap().unwrap(), b"# nothing");
        let other = OwnKey::load(&OwnKey::create().unwrap()).unwrap();
        assert!(bundle::read(&bytes, std::slice::from_ref(other.public()), Kind::Overlay).is_err());
        assert!(OwnKey::load("no key").is_err());
    }
}
