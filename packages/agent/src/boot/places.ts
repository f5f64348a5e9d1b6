/** Everything of ours that lives no longer than a boot. It is moved along into the new root. */
export const RUN = '/run/cairn';

/** The verified image alone, without anything mounted over it: what overlays lie on. */
export const IMAGE = `${RUN}/image`;

/** The memory behind volatile paths. */
export const VOLATILE = `${RUN}/volatile`;

/** The persistent partition, whole. */
export const PERSISTENT = `${RUN}/persistent`;

/** What `cairn boot` did and found, for `cairn status`. */
export const BOOT_RECORD = `${RUN}/boot.json`;

/** Written by the last unit of a boot: how many seconds after the kernel's start. */
export const UP = `${RUN}/up`;

/** There where what runs has not proven itself: `cairn health` judges this boot. */
export const TRIAL = `${RUN}/trial`;

/** There where earlier boots or actions have left something to end or to note: `cairn settle` does. */
export const UNSETTLED = `${RUN}/unsettled`;

/** There where the init that comes will feed a watchdog: the initrd's /init arms it. */
export const WATCHDOG = `${RUN}/watchdog`;

/** In which mode this machine runs, as Kairos tells it to configurations and hooks. */
export const SENTINELS = '/run/cos';

/** Made by the initrd's /init: the slot whose content has the root hash asked for. */
export const ROOT_LINK = '/dev/cairn/root';

/** Made by /init where the root is on a live medium: the whole device. */
export const MEDIUM_LINK = '/dev/cairn/medium';

/** What a live system has for the label of a slot. */
export const LIVE_SLOT = 'live';

/** The labels are Kairos's, so that its users' configurations keep working. */
export const PERSISTENT_LABEL = 'COS_PERSISTENT';
export const OEM_LABEL = 'COS_OEM';
export const SLOT_LABELS = ['cairn-a', 'cairn-b', 'cairn-recovery'] as const;
