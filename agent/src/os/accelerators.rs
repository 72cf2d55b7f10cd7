//! Graphics processors and other accelerators that models could run on, as a fact of the machine: from the PCI bus, with the
//! name that NVIDIA's driver gives. World-readable files of the kernel; no driver is asked and no device is opened.

use std::collections::BTreeMap;
use std::path::Path;

/// Most devices told.
const DEVICES: usize = 32;
/// Classes of the PCI code list (linux/pci_ids.h): display controller, processing accelerator.
const DISPLAY: u32 = 0x03;
const ACCELERATOR: u32 = 0x12;
/// Vendors of the PCI id list whose display controllers compute. What virtual machines and the consoles of servers
/// have as a display does not.
const VENDORS: &[(u32, &str)] = &[
    (0x10de, "NVIDIA"),
    (0x1002, "AMD"),
    (0x8086, "Intel"),
    (0x1ed5, "Moore Threads"),
    (0x19e5, "Huawei"),
    (0x17cb, "Qualcomm"),
    (0x1ae0, "Google"),
    (0x1da3, "Habana Labs"),
    (0x1e52, "Tenstorrent"),
    (0x1ac1, "Coral"),
];

/// Those of this machine, each with its number where there are several alike.
pub fn present() -> Vec<String> {
    below(Path::new("/"))
}

fn below(root: &Path) -> Vec<String> {
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    let devices = std::fs::read_dir(root.join("sys/bus/pci/devices")).into_iter().flatten().flatten();
    for device in devices {
        let folder = device.path();
        let number = |file: &str| {
            let text = std::fs::read_to_string(folder.join(file)).ok()?;
            u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
        };
        let (Some(class), Some(vendor), Some(id)) = (number("class"), number("vendor"), number("device"))
        else {
            continue;
        };
        let Some(words) = words(class, vendor, id) else { continue };
        let slot = device.file_name();
        let information = root.join("proc/driver/nvidia/gpus").join(&slot).join("information");
        let model = std::fs::read_to_string(information).ok().and_then(|text| model(&text));
        *counted.entry(model.unwrap_or(words)).or_default() += 1;
    }
    let shown = counted.into_iter().map(|(name, count)| match count {
        1 => name,
        _ => format!("{count} × {name}"),
    });
    shown.take(DEVICES).collect()
}

/// A device in words, if it is one that models run on.
fn words(class: u32, vendor: u32, id: u32) -> Option<String> {
    let name = VENDORS.iter().find(|(known, _)| *known == vendor).map(|(_, name)| *name);
    let kind = match (class >> 16, name) {
        (DISPLAY, Some(_)) => "graphics",
        (ACCELERATOR, _) => "accelerator",
        _ => return None,
    };
    Some(format!("{} {kind} ({vendor:04x}:{id:04x})", name.unwrap_or("Unknown")))
}

/// The model in what NVIDIA's driver says of a device.
fn model(information: &str) -> Option<String> {
    let line = information.lines().find_map(|line| line.strip_prefix("Model:"))?.trim();
    let model: String = line.chars().filter(|c| !c.is_control()).take(100).collect();
    (!model.is_empty()).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_that_compute_are_told_and_others_are_not() {
        let root = tempfile::tempdir().unwrap();
        for (slot, class, vendor, id) in [
            ("0000:01:00.0", "0x030000", "0x10de", "0x2684"),
            ("0000:02:00.0", "0x030200", "0x10de", "0x20b0"),
            ("0000:03:00.0", "0x030200", "0x10de", "0x20b0"),
            ("0000:04:00.0", "0x030000", "0x1234", "0x1111"),
            ("0000:05:00.0", "0x020000", "0x8086", "0x1533"),
            ("0000:06:00.0", "0x120000", "0x1da3", "0x1020"),
        ] {
            let folder = root.path().join("sys/bus/pci/devices").join(slot);
            std::fs::create_dir_all(&folder).unwrap();
            for (file, text) in [("class", class), ("vendor", vendor), ("device", id)] {
                std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
            }
        }
        let driver = root.path().join("proc/driver/nvidia/gpus/0000:01:00.0");
        std::fs::create_dir_all(&driver).unwrap();
        let text = "Model: \t\t NVIDIA GeForce RTX 4090\nIRQ:   \t\t 130\nGPU UUID: \t GPU-0\n";
        std::fs::write(driver.join("information"), text).unwrap();
        assert_eq!(
            below(root.path()),
            [
                "Habana Labs accelerator (1da3:1020)",
                "NVIDIA GeForce RTX 4090",
                "2 × NVIDIA graphics (10de:20b0)"
            ]
        );
        assert_eq!(below(&root.path().join("nowhere")), Vec::<String>::new());
    }
}
