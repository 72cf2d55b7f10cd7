//! The folder that holds everything of one collector: database, private authority, key of the
//! pseudonyms. The keys stand beside the database, not in it: a copy of one tells nothing alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::FlockOperation;

use crate::audit::{Keys, KeysError};
use crate::legal::{Dates, DatesError};
use crate::own::{KeyError, OwnKey};
use crate::pki::{Authority, PkiError};
use crate::sealing::Sealing;
use crate::store::sqlite::Options;
use crate::store::{SqliteStore, StoreError};
use crate::tier::{Method, MethodError};

/// Where the packaged service keeps its data.
const SYSTEM_DIR: &str = "/var/lib/umbrascope-collector";

/// File that marks a folder whose records are made up.
const DEMONSTRATION: &str = "demonstration";

/// A collector's folder.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The folder asked for; else that of the service manager, of the package when this user owns
    /// it, or of this user.
    pub fn choose(asked: Option<PathBuf>) -> Result<Self, DataDirError> {
        if let Some(path) = asked {
            return Ok(Self(path));
        }
        if let Some(path) = std::env::var_os("STATE_DIRECTORY").filter(|path| !path.is_empty()) {
            return Ok(Self(path.into()));
        }
        let root = rustix::process::geteuid().is_root();
        let owned =
            fs::metadata(SYSTEM_DIR).is_ok_and(|dir| dir.uid() == rustix::process::geteuid().as_raw());
        if root || owned {
            return Ok(Self(SYSTEM_DIR.into()));
        }
        Ok(Self(user_data_dir()?.join("umbrascope/collector")))
    }

    /// The folder of `try`, which nobody else uses.
    pub fn choose_for_try(asked: Option<PathBuf>, demonstration: bool) -> Result<Self, DataDirError> {
        // What is made up never stands beside what was seen.
        let name = if demonstration { "umbrascope/demonstration" } else { "umbrascope/try" };
        match asked {
            Some(path) => Ok(Self(path)),
            None => Ok(Self(user_data_dir()?.join(name))),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("collector.db")
    }

    /// Says for good that what will be in this folder is made up.
    pub fn mark_demonstration(&self) -> Result<(), DataDirError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.0).map_err(|source| self.failed("make", &self.0, source))?;
        let path = self.0.join(DEMONSTRATION);
        File::create(&path).map(|_| ()).map_err(|source| self.failed("write", &path, source))
    }

    /// Whether what is in this folder is made up.
    pub fn is_demonstration(&self) -> bool {
        self.0.join(DEMONSTRATION).exists()
    }

    /// The catalogue bundle that agents are given.
    pub fn catalogue(&self) -> PathBuf {
        self.0.join("catalogue.bundle")
    }

    /// The organisation's own rules, signed, that agents are given.
    pub fn own_rules(&self) -> PathBuf {
        self.0.join("own-rules.bundle")
    }

    fn own_rules_key(&self) -> PathBuf {
        self.0.join("own-rules.key")
    }

    /// The socket on which the running collector is asked.
    pub fn control(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    fn audit_key(&self) -> PathBuf {
        self.0.join("audit.key")
    }

    fn ca_certificate(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    fn ca_key(&self) -> PathBuf {
        self.0.join("ca-key.pem")
    }

    fn pseudonym_key(&self) -> PathBuf {
        self.0.join("pseudonym.key")
    }

    /// Makes what is missing and leaves what is there. What was made, in words.
    pub fn init(&self, options: Options, now_ms: i64) -> Result<Vec<String>, DataDirError> {
        let mut made = Vec::new();
        if !self.0.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.0)
                .map_err(|source| self.failed("make", &self.0, source))?;
            made.push(format!("folder {}", self.0.display()));
        }
        match (self.ca_key().exists(), self.ca_certificate().exists()) {
            (true, true) => {}
            (false, false) => {
                let (certificate, key) = Authority::create(now_ms)?;
                self.write_new(&self.ca_key(), key.as_bytes())?;
                self.write_new(&self.ca_certificate(), certificate.as_bytes())?;
                made.push(format!("private authority {}", self.ca_certificate().display()));
            }
            // A new authority would lock every sensor out: a person has to look.
            _ => return Err(DataDirError::HalfAuthority { dir: self.0.clone() }),
        }
        if !self.pseudonym_key().exists() {
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).map_err(|_| DataDirError::Random)?;
            self.write_new(&self.pseudonym_key(), HEXLOWER.encode(&key).as_bytes())?;
            made.push(format!("key of the pseudonyms {}", self.pseudonym_key().display()));
        }
        if !self.own_rules_key().exists() {
            self.write_new(&self.own_rules_key(), OwnKey::create()?.as_bytes())?;
            made.push(format!("key of the organisation's own rules {}", self.own_rules_key().display()));
        }
        if !self.audit_key().exists() {
            self.write_new(&self.audit_key(), Keys::create(&new_origin()?)?.as_bytes())?;
            made.push(format!("key of the audit trail {}", self.audit_key().display()));
        }
        let fresh = !self.database().exists();
        SqliteStore::open(&self.database(), options, now_ms)?.close();
        self.give_to_owner(&self.database())?;
        if fresh {
            made.push(format!("database {}", self.database().display()));
        }
        Ok(made)
    }

    /// Opens the records for writing.
    pub fn open(&self, mut options: Options, now_ms: i64) -> Result<SqliteStore, DataDirError> {
        self.must_be_initialised()?;
        options.tier_method = self.tier_method()?;
        options.legal_dates = self.legal_dates()?;
        let store = SqliteStore::open(&self.database(), options, now_ms)?;
        // Root at a terminal must not leave files that the service cannot write.
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.database().into_os_string();
            path.push(suffix);
            if Path::new(&path).exists() {
                self.give_to_owner(Path::new(&path))?;
            }
        }
        Ok(store)
    }

    /// Opens the records for reading, beside whoever writes them.
    pub fn open_read_only(&self, mut options: Options) -> Result<SqliteStore, DataDirError> {
        self.must_be_initialised()?;
        options.tier_method = self.tier_method()?;
        options.legal_dates = self.legal_dates()?;
        Ok(SqliteStore::open_read_only(&self.database(), options)?)
    }

    /// How risk tiers are suggested: the organisation's own method where it has put one here, and the built-in one otherwise.
    fn tier_method(&self) -> Result<Arc<Method>, DataDirError> {
        let path = self.0.join("tier-method.toml");
        match fs::read_to_string(&path) {
            Ok(text) => match Method::parse(&text) {
                Ok(method) => Ok(Arc::new(method)),
                Err(source) => Err(DataDirError::TierMethod { path, source }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Method::built_in()),
            Err(source) => Err(self.failed("read", &path, source)),
        }
    }

    /// Dates of laws and rules: the built-in ones, with the organisation's own over them where it has put some here.
    fn legal_dates(&self) -> Result<Arc<Dates>, DataDirError> {
        let path = self.0.join("legal-dates.toml");
        match fs::read_to_string(&path) {
            Ok(text) => match Dates::parse(&text) {
                Ok(own) => Ok(Arc::new(Dates::built_in().with(own))),
                Err(error) => Err(DataDirError::LegalDates { path, source: Box::new(error) }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Dates::built_in()),
            Err(source) => Err(self.failed("read", &path, source)),
        }
    }

    /// The authority.
    pub fn authority(&self) -> Result<Authority, DataDirError> {
        self.must_be_initialised()?;
        let read =
            |path: PathBuf| fs::read_to_string(&path).map_err(|source| self.failed("read", &path, source));
        Ok(Authority::load(&read(self.ca_certificate())?, &read(self.ca_key())?)?)
    }

    /// The key that pseudonyms are keyed with once more.
    pub fn pseudonyms(&self) -> Result<ring::hmac::Key, DataDirError> {
        let path = self.pseudonym_key();
        let text = fs::read_to_string(&path).map_err(|source| self.failed("read", &path, source))?;
        let key = HEXLOWER.decode(text.trim().as_bytes()).ok().filter(|key| key.len() == 32);
        let key = key.ok_or(DataDirError::Damaged { path })?;
        Ok(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key))
    }

    /// The key that secrets of people are sealed with. A folder of before there was one gets it now.
    pub fn sealing(&self) -> Result<Sealing, DataDirError> {
        let path = self.0.join("sealing.key");
        if !path.exists() {
            self.must_be_initialised()?;
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).map_err(|_| DataDirError::Random)?;
            self.write_new(&path, HEXLOWER.encode(&key).as_bytes())?;
        }
        let text = fs::read_to_string(&path).map_err(|source| self.failed("read", &path, source))?;
        let key = HEXLOWER.decode(text.trim().as_bytes()).ok();
        key.and_then(|key| Sealing::new(&key)).ok_or(DataDirError::Damaged { path })
    }

    /// The key that signs the organisation's own rules. A folder of before there was one gets it now.
    pub fn own_key(&self) -> Result<OwnKey, DataDirError> {
        let path = self.own_rules_key();
        if !path.exists() {
            self.must_be_initialised()?;
            self.write_new(&path, OwnKey::create()?.as_bytes())?;
        }
        let text = fs::read_to_string(&path).map_err(|source| self.failed("read", &path, source))?;
        OwnKey::load(&text).map_err(|_| DataDirError::Damaged { path })
    }

    /// The keys that sign the audit trail. A folder of before there was one gets it now.
    pub fn audit_keys(&self) -> Result<Keys, DataDirError> {
        let path = self.audit_key();
        if !path.exists() {
            self.must_be_initialised()?;
            self.write_new(&path, Keys::create(&new_origin()?)?.as_bytes())?;
        }
        let text = fs::read_to_string(&path).map_err(|source| self.failed("read", &path, source))?;
        Keys::load(&text).map_err(|_| DataDirError::Damaged { path })
    }

    /// Replaces the file of the keys that sign the audit trail: [`Keys::rotated`], [`Keys::settled`].
    pub fn replace_audit_keys(&self, text: &str) -> Result<Keys, DataDirError> {
        let keys = Keys::load(text)?;
        self.replace(&self.audit_key(), text.as_bytes())?;
        Ok(keys)
    }

    /// Holds the folder for one process that runs on it. Released when dropped.
    pub fn lock(&self) -> Result<Lock, DataDirError> {
        if !self.0.is_dir() {
            return Err(DataDirError::NotInitialised { dir: self.0.clone() });
        }
        let path = self.0.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| self.failed("open", &path, source))?;
        self.give_to_owner(&path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { _file: file }),
            Err(_) => Err(DataDirError::InUse { dir: self.0.clone() }),
        }
    }

    /// Fails where nothing was made ready yet.
    pub fn must_be_initialised(&self) -> Result<(), DataDirError> {
        if self.database().exists() {
            Ok(())
        } else {
            Err(DataDirError::NotInitialised { dir: self.0.clone() })
        }
    }

    fn write_new(&self, path: &Path, content: &[u8]) -> Result<(), DataDirError> {
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(content)?;
            file.sync_all()?;
            // The name is on the disk only when its folder is.
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|source| self.failed("write", path, source))?;
        self.give_to_owner(path)
    }

    /// Replaces a file whole: whoever reads it meanwhile has the old one or the new one.
    pub fn replace(&self, path: &Path, content: &[u8]) -> Result<(), DataDirError> {
        let mut beside = path.to_owned().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        match fs::remove_file(&beside) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(self.failed("remove", &beside, source));
            }
            _ => {}
        }
        self.write_new(&beside, content)?;
        let put = || -> io::Result<()> {
            fs::rename(&beside, path)?;
            File::open(&self.0)?.sync_all()
        };
        put().map_err(|source| self.failed("replace", path, source))
    }

    /// A file of the folder that nobody else can open, and that is gone with this process.
    pub fn unnamed(&self) -> Result<File, DataDirError> {
        let mut number = [0; 8];
        SystemRandom::new().fill(&mut number).map_err(|_| DataDirError::Random)?;
        let path = self.0.join(format!(".{}.part", HEXLOWER.encode(&number)));
        let make = || -> io::Result<File> {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            fs::remove_file(&path)?;
            Ok(file)
        };
        make().map_err(|source| self.failed("make", &path, source))
    }

    /// What root writes into the service's folder belongs to the service.
    fn give_to_owner(&self, path: &Path) -> Result<(), DataDirError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let give = || -> io::Result<()> {
            let owner = fs::metadata(&self.0)?;
            std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid()))
        };
        give().map_err(|source| self.failed("give away", path, source))
    }

    fn failed(&self, attempted: &'static str, path: &Path, source: io::Error) -> DataDirError {
        DataDirError::File { attempted, path: path.to_owned(), source }
    }
}

/// The name of a new audit trail: this host's, and a number that no other trail has.
fn new_origin() -> Result<String, DataDirError> {
    let mut number = [0; 4];
    SystemRandom::new().fill(&mut number).map_err(|_| DataDirError::Random)?;
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().to_lowercase();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let host: String = host.chars().filter(plain).take(64).collect();
    let host = if host.is_empty() { "collector" } else { &host };
    Ok(format!("{host}/aims/{}", HEXLOWER.encode(&number)))
}

fn user_data_dir() -> Result<PathBuf, DataDirError> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .ok_or(DataDirError::NoHome)
}

/// The folder is this process's own as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What is wrong with a collector's folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// The key of the own rules could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key of the audit trail could not be made or taken.
    #[error(transparent)]
    AuditKey(#[from] KeysError),
    /// The organisation's own method of tiers is none.
    #[error(
        "{path} does not say how risk tiers are suggested; mend it, or take it away for the built-in method"
    )]
    TierMethod {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: MethodError,
    },
    /// The organisation's dates of laws cannot be read.
    #[error("{path} is no list of legal dates; mend it, or take it away for the built-in list alone")]
    LegalDates {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<DatesError>,
    },
    /// A file could not be used.
    #[error("could not {attempted} {path}")]
    File {
        /// What was attempted.
        attempted: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Nothing is there yet.
    #[error("{dir} holds no collector yet: run `umbrascope-collector init --data-dir {dir}` first")]
    NotInitialised {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process runs on it.
    #[error("another collector runs on {dir}: stop it first")]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// One half of the authority is missing.
    #[error(
        "{dir} holds only one of ca.pem and ca-key.pem: restore the other one; a new authority would lock every sensor out"
    )]
    HalfAuthority {
        /// The folder.
        dir: PathBuf,
    },
    /// A file is not what it must be.
    #[error("{path} is damaged: restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// No folder can be derived.
    #[error("neither XDG_DATA_HOME nor HOME is set: name a folder with --data-dir")]
    NoHome,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// The authority failed.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use umbrascope_rules::Catalogue;

    use super::*;

    #[test]
    fn init_makes_everything_once_and_for_the_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir(parent.path().join("data"));
        let options = Options::new(Catalogue::embedded());
        assert_eq!(dir.init(options.clone(), 1).unwrap().len(), 6);
        let authority = fs::read(dir.ca_certificate()).unwrap();
        assert!(dir.init(options, 2).unwrap().is_empty());
        assert_eq!(fs::read(dir.ca_certificate()).unwrap(), authority);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.path()), 0o700);
        assert_eq!(mode(&dir.ca_key()), 0o600);
        assert_eq!(mode(&dir.pseudonym_key()), 0o600);
        assert_eq!(mode(&dir.audit_key()), 0o600);
        let (keys, again) = (dir.audit_keys().unwrap(), dir.audit_keys().unwrap());
        assert_eq!(keys.vkey(), again.vkey());
        assert!(keys.origin().contains("/aims/"), "{}", keys.origin());
        let both = dir.replace_audit_keys(&keys.rotated().unwrap()).unwrap();
        assert_eq!(both.leaving(), Some(keys.vkey()));
        assert_eq!(mode(&dir.audit_key()), 0o600);
        dir.authority().unwrap();
        dir.pseudonyms().unwrap();
    }

    #[test]
    fn half_an_authority_is_not_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir(parent.path().join("data"));
        let options = Options::new(Catalogue::embedded());
        dir.init(options.clone(), 1).unwrap();
        fs::remove_file(dir.ca_key()).unwrap();
        assert!(matches!(dir.init(options, 2), Err(DataDirError::HalfAuthority { .. })));
    }

    #[test]
    fn one_process_at_a_time_runs_on_a_folder() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir(parent.path().to_owned());
        let held = dir.lock().unwrap();
        assert!(matches!(dir.lock(), Err(DataDirError::InUse { .. })));
        drop(held);
        dir.lock().unwrap();
    }
}
