//! Where browsers of the Chromium family keep their data, on the three systems and in their sandboxes.
//!
//! Chrome's and Chromium's own: docs/user_data_dir.md of Chromium's source; the others follow its layout.

/// Places below a home that hold browsers' data, the folder of each browser there, and its name.
pub(super) const DATA: &[(&str, &[(&str, &str)])] = &[
    (
        ".config",
        &[
            ("google-chrome", "Chrome"),
            ("google-chrome-beta", "Chrome Beta"),
            ("google-chrome-unstable", "Chrome Dev"),
            ("google-chrome-canary", "Chrome Canary"),
            ("google-chrome-for-testing", "Chrome for Testing"),
            ("chromium", "Chromium"),
            ("BraveSoftware/Brave-Browser", "Brave"),
            ("BraveSoftware/Brave-Browser-Beta", "Brave Beta"),
            ("BraveSoftware/Brave-Browser-Nightly", "Brave Nightly"),
            ("BraveSoftware/Brave-Origin", "Brave Origin"),
            ("microsoft-edge", "Edge"),
            ("microsoft-edge-beta", "Edge Beta"),
            ("microsoft-edge-dev", "Edge Dev"),
            ("microsoft-edge-canary", "Edge Canary"),
            ("opera", "Opera"),
            ("opera-beta", "Opera Beta"),
            ("opera-developer", "Opera Developer"),
            ("opera-gx", "Opera GX"),
            ("vivaldi", "Vivaldi"),
            ("vivaldi-snapshot", "Vivaldi Snapshot"),
            ("yandex-browser", "Yandex"),
            ("yandex-browser-beta", "Yandex Beta"),
            ("thorium", "Thorium"),
            ("net.imput.helium", "Helium"),
        ],
    ),
    (
        "Library/Application Support",
        &[
            ("Google/Chrome", "Chrome"),
            ("Google/Chrome Beta", "Chrome Beta"),
            ("Google/Chrome Dev", "Chrome Dev"),
            ("Google/Chrome Canary", "Chrome Canary"),
            ("Google/Chrome for Testing", "Chrome for Testing"),
            ("Chromium", "Chromium"),
            ("BraveSoftware/Brave-Browser", "Brave"),
            ("BraveSoftware/Brave-Browser-Beta", "Brave Beta"),
            ("BraveSoftware/Brave-Browser-Nightly", "Brave Nightly"),
            ("BraveSoftware/Brave-Origin", "Brave Origin"),
            ("Microsoft Edge", "Edge"),
            ("Microsoft Edge Beta", "Edge Beta"),
            ("Microsoft Edge Dev", "Edge Dev"),
            ("Microsoft Edge Canary", "Edge Canary"),
            ("com.operasoftware.Opera", "Opera"),
            ("com.operasoftware.OperaNext", "Opera Beta"),
            ("com.operasoftware.OperaDeveloper", "Opera Developer"),
            ("com.operasoftware.OperaGX", "Opera GX"),
            ("com.operasoftware.OperaAir", "Opera Air"),
            ("Vivaldi", "Vivaldi"),
            ("Vivaldi Snapshot", "Vivaldi Snapshot"),
            ("Yandex/YandexBrowser", "Yandex"),
            ("Arc/User Data", "Arc"),
            ("Dia/User Data", "Dia"),
            ("Comet", "Comet"),
            ("com.openai.atlas/browser-data/host", "ChatGPT Atlas"),
            ("SigmaOS", "SigmaOS"),
            ("net.imput.helium", "Helium"),
            ("Thorium", "Thorium"),
        ],
    ),
    (
        "AppData/Local",
        &[
            ("Google/Chrome/User Data", "Chrome"),
            ("Google/Chrome Beta/User Data", "Chrome Beta"),
            ("Google/Chrome Dev/User Data", "Chrome Dev"),
            ("Google/Chrome SxS/User Data", "Chrome Canary"),
            ("Google/Chrome for Testing/User Data", "Chrome for Testing"),
            ("Chromium/User Data", "Chromium"),
            ("BraveSoftware/Brave-Browser/User Data", "Brave"),
            ("BraveSoftware/Brave-Browser-Beta/User Data", "Brave Beta"),
            ("BraveSoftware/Brave-Browser-Nightly/User Data", "Brave Nightly"),
            ("BraveSoftware/Brave-Origin/User Data", "Brave Origin"),
            ("Microsoft/Edge/User Data", "Edge"),
            ("Microsoft/Edge Beta/User Data", "Edge Beta"),
            ("Microsoft/Edge Dev/User Data", "Edge Dev"),
            ("Microsoft/Edge SxS/User Data", "Edge Canary"),
            ("Vivaldi/User Data", "Vivaldi"),
            ("Vivaldi Snapshot/User Data", "Vivaldi Snapshot"),
            ("Yandex/YandexBrowser/User Data", "Yandex"),
            ("Perplexity/Comet/User Data", "Comet"),
            ("Thorium/User Data", "Thorium"),
            ("imput/Helium/User Data", "Helium"),
            ("Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data", "Arc"),
        ],
    ),
    (
        "AppData/Roaming/Opera Software",
        &[
            ("Opera Stable", "Opera"),
            ("Opera Next", "Opera Beta"),
            ("Opera Developer", "Opera Developer"),
            ("Opera GX Stable", "Opera GX"),
            ("Opera Air Stable", "Opera Air"),
        ],
    ),
    (
        "snap",
        &[
            ("chromium/common/chromium", "Chromium"),
            ("brave/current/.config/BraveSoftware/Brave-Browser", "Brave"),
            ("opera/current/.config/opera", "Opera"),
            ("opera-beta/current/.config/opera-beta", "Opera Beta"),
            ("opera-gx/current/.config/opera-gx", "Opera GX"),
            ("vivaldi/current/.config/vivaldi", "Vivaldi"),
        ],
    ),
    (
        ".var/app",
        &[
            ("com.google.Chrome/config/google-chrome", "Chrome"),
            ("com.google.ChromeDev/config/google-chrome-unstable", "Chrome Dev"),
            ("org.chromium.Chromium/config/chromium", "Chromium"),
            ("io.github.ungoogled_software.ungoogled_chromium/config/chromium", "Ungoogled Chromium"),
            ("com.brave.Browser/config/BraveSoftware/Brave-Browser", "Brave"),
            ("com.microsoft.Edge/config/microsoft-edge", "Edge"),
            ("com.microsoft.EdgeBeta/config/microsoft-edge-beta", "Edge Beta"),
            ("com.microsoft.EdgeDev/config/microsoft-edge-dev", "Edge Dev"),
            ("com.opera.Opera/config/opera", "Opera"),
            ("com.opera.opera-gx/config/opera-gx", "Opera GX"),
            ("com.vivaldi.Vivaldi/config/vivaldi", "Vivaldi"),
            ("ru.yandex.Browser/config/yandex-browser", "Yandex"),
            ("net.imput.helium/config/net.imput.helium", "Helium"),
        ],
    ),
];

/// Folders of policies below the root, whose they are. Linux only: on macOS they are managed preferences, on Windows
/// keys of the registry.
pub(super) const POLICIES: &[(&str, &str)] = &[
    ("etc/opt/chrome/policies", "Chrome"),
    ("etc/opt/chrome_for_testing/policies", "Chrome for Testing"),
    ("etc/chromium/policies", "Chromium"),
    ("etc/chromium-browser/policies", "Chromium"),
    ("etc/brave/policies", "Brave"),
    ("etc/opt/edge/policies", "Edge"),
    ("etc/opt/vivaldi/policies", "Vivaldi"),
    ("etc/vivaldi/policies", "Vivaldi"),
];

/// Managed preferences of macOS, below `/Library/Managed Preferences` and below each account's folder there.
pub(super) const MANAGED: &[(&str, &str)] = &[
    ("com.google.Chrome.plist", "Chrome"),
    ("org.chromium.Chromium.plist", "Chromium"),
    ("com.brave.Browser.plist", "Brave"),
    ("com.microsoft.Edge.plist", "Edge"),
    ("com.vivaldi.Vivaldi.plist", "Vivaldi"),
];

/// Folders of native messaging hosts of the whole machine.
pub(super) const HOSTS: &[(&str, &str)] = &[
    ("etc/opt/chrome/native-messaging-hosts", "Chrome"),
    ("etc/chromium/native-messaging-hosts", "Chromium"),
    ("etc/opt/edge/native-messaging-hosts", "Edge"),
    ("etc/opt/vivaldi/native-messaging-hosts", "Vivaldi"),
    ("usr/lib/mozilla/native-messaging-hosts", "Firefox"),
    ("usr/lib64/mozilla/native-messaging-hosts", "Firefox"),
    ("usr/share/mozilla/native-messaging-hosts", "Firefox"),
    ("Library/Google/Chrome/NativeMessagingHosts", "Chrome"),
    ("Library/Application Support/Chromium/NativeMessagingHosts", "Chromium"),
    ("Library/Microsoft/Edge/NativeMessagingHosts", "Edge"),
    ("Library/Application Support/Mozilla/NativeMessagingHosts", "Firefox"),
];

/// Folders of native messaging hosts below a home beside those in the data folders of [`DATA`]. On Windows the registry
/// names the manifest, which lies where its program put it: the folders of programs that are known to.
pub(super) const HOME_HOSTS: &[(&str, &str)] = &[
    (".mozilla/native-messaging-hosts", "Firefox"),
    (".config/mozilla/native-messaging-hosts", "Firefox"),
    (".librewolf/native-messaging-hosts", "LibreWolf"),
    ("Library/Application Support/Mozilla/NativeMessagingHosts", "Firefox"),
    ("AppData/Roaming/Claude/ChromeNativeHost", "Chrome"),
    ("AppData/Roaming/Claude Code/ChromeNativeHost", "Chrome"),
    ("AppData/Local/OpenAI/extension", "Chrome"),
];
