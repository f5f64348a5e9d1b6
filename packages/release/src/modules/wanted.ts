/** Modules that the initrd gets, and why. */
export interface ModuleGroup {
  readonly reason: string;
  /** Names of modules, or aliases by which the kernel asks for them. */
  readonly names?: readonly string[];
  /** Everything below these folders of the module folder. */
  readonly folders?: readonly string[];
}

/** Without these a verified root cannot be mounted, nor what is writable laid over it. */
export const REQUIRED_MODULES = ['erofs', 'dm-verity', 'overlay'] as const;

/**
 * What it takes to find the disk, mount what is on it, and speak to whoever stands before it. A kernel has a
 * part of these built in, and others not at all. What comes after switch-root (network, graphics, sound) is loaded from the root.
 */
export const WANTED_MODULES: readonly ModuleGroup[] = [
  { reason: 'the root and what is mounted over and beside it', names: REQUIRED_MODULES },
  {
    reason: 'other file systems of a boot: OEM, persistent, ESP, live media',
    names: ['ext4', 'vfat', 'isofs', 'squashfs', 'loop', 'autofs4', 'efivarfs', 'configfs'],
  },
  {
    reason: 'character sets: vfat asks for those that the kernel was configured with',
    folders: ['kernel/fs/nls/'],
  },
  {
    reason: 'device mapper: the verified root, encrypted persistent',
    names: ['dm-mod', 'dm-verity', 'dm-crypt', 'dm-integrity', 'dm-bufio'],
  },
  {
    reason: 'cryptography that file systems and the device mapper ask for by name at run time',
    names: [
      'crypto-sha256',
      'crypto-sha512',
      'crypto-crc32c',
      'crypto-aes',
      'crypto-xts',
      'crypto-cbc',
      'crypto-ecb',
      'crypto-essiv',
      'crypto-hmac',
      'crypto-authenc',
      'crypto-xxhash64',
      'sha256_generic',
      'sha512_generic',
      'aes_generic',
      'aesni_intel',
      'xts',
      'crc32c_generic',
      'crc32c_intel',
      'af_alg',
      'algif_skcipher',
      'algif_hash',
    ],
  },
  {
    reason: 'disks of virtual machines: KVM, Hyper-V, VMware, Xen',
    names: [
      'virtio_pci',
      'virtio_mmio',
      'virtio_blk',
      'virtio_scsi',
      'hv_vmbus',
      'hv_storvsc',
      'vmw_pvscsi',
      'mptspi',
      'mptsas',
      'xen-blkfront',
    ],
  },
  { reason: 'NVMe disks, with those behind Intel VMD', names: ['nvme', 'vmd'] },
  {
    reason: 'SATA and PATA disks and optical drives',
    names: ['ahci', 'ata_piix', 'ata_generic', 'sd_mod', 'sr_mod', 'cdrom'],
  },
  {
    reason: 'storage controllers of servers',
    names: ['megaraid_sas', 'mpt3sas', 'mpi3mr', 'hpsa', 'smartpqi', 'aacraid'],
  },
  {
    reason: 'USB hosts and disks',
    names: [
      'xhci_pci',
      'xhci_hcd',
      'ehci_pci',
      'ehci_hcd',
      'ohci_pci',
      'ohci_hcd',
      'uhci_hcd',
      'usb_storage',
      'uas',
    ],
  },
  {
    reason: 'eMMC and SD cards',
    names: ['mmc_block', 'sdhci', 'sdhci_pci', 'sdhci_acpi', 'rtsx_pci', 'rtsx_pci_sdmmc'],
  },
  { reason: 'TPM, for sealed keys and measured boot', names: ['tpm_tis', 'tpm_crb'] },
  {
    reason: 'a keyboard where a passphrase is asked for',
    names: [
      'hid',
      'usbhid',
      'hid-generic',
      'hid-apple',
      'hid-logitech-dj',
      'hid-microsoft',
      'hid-hyperv',
      'hyperv-keyboard',
      'i8042',
      'atkbd',
      'evdev',
    ],
  },
  {
    reason: 'watchdogs, so that a boot which hangs ends',
    names: ['softdog', 'i6300esb', 'iTCO_wdt', 'sp5100_tco'],
  },
  { reason: 'what a panic leaves with the firmware, for the next boot to read', names: ['efi_pstore'] },
  {
    reason: 'what the machine is told by the one it runs on: console, entropy, firmware tables',
    names: ['virtio_console', 'virtio_rng', 'qemu_fw_cfg', 'dmi-sysfs'],
  },
];
