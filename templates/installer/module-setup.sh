#!/bin/bash
# dracut module of the HA-OSCAR installer: our own first process instead of dracut's, because an
# installer has one job and every second of its start counts. dracut finds the libraries, the
# drivers with their firmware, and packs them.

check() { return 255; }

depends() { echo bash; }

installkernel() {
    # Local disks, wired network cards, the file systems that are cloned, and a keyboard for the
    # rescue shell. Named, because "everything" is five times as large and as slow to fetch.
    hostonly='' instmods -o \
        '=drivers/ata' '=drivers/nvme' '=drivers/scsi' '=drivers/message/fusion' \
        '=drivers/net/ethernet' '=drivers/net/phy' '=drivers/virtio' \
        virtio_blk virtio_scsi virtio_net virtio_pci virtio_rng xen-blkfront xen-netfront \
        mmc_block sdhci-pci sdhci-acpi vmd vmxnet3 hv_vmbus hv_netvsc hv_storvsc pci-hyperv \
        ext4 xfs vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 efivarfs \
        dm_mod af_packet crc32c_generic crc32c_intel crc32c-pclmul libcrc32c \
        aesni_intel ghash-clmulni-intel \
        sd_mod sr_mod atkbd i8042 usbhid hid_generic xhci_pci ehci_pci uhci_hcd ohci_pci \
        pcspkr
}

install() {
    inst_multiple \
        mount umount mkdir cat rm ls ln cp mv chmod chown sleep sync find sort cmp diff comm \
        sed awk grep cut tail head tr wc date stat readlink df dd env touch xargs \
        modprobe kmod ip setsid chroot mkfifo \
        sfdisk wipefs blkid lsblk blockdev mkfs.ext4 mke2fs tune2fs e2fsck mkswap \
        b2sum rsync ssh ssh-keygen
    inst_multiple -o \
        mkfs.ext2 mkfs.ext3 mkfs.xfs xfs_admin xfs_growfs mkfs.vfat mkfs.fat resize2fs \
        lvm pvcreate vgcreate lvcreate lvextend vgchange lvs pvs vgs dmsetup dmidecode \
        efibootmgr getfattr kexec beep stty udevadm /etc/mke2fs.conf
    # One DHCP client, for machines whose address is not on the kernel line; the smaller one.
    inst_multiple busybox 2> /dev/null || inst_multiple dhclient
    inst_simple "$moddir/init.sh" /init
    inst_simple "$moddir/lib.sh" /haoscar/lib.sh
    inst_simple "$moddir/network.sh" /haoscar/network.sh
    inst_simple "$moddir/inventory.sh" /haoscar/inventory.sh
    inst_simple "$moddir/steps.sh" /haoscar/steps.sh
    inst_simple "$moddir/dhcp-event.sh" /haoscar/dhcp-event.sh
    chmod 0755 "$initdir/init" "$initdir/haoscar/dhcp-event.sh"
    [ -e "$initdir/bin/sh" ] || ln -s bash "$initdir/bin/sh"
    mkdir -p "$initdir"/{proc,sys,dev,run,tmp,var,root,etc/lvm,etc/modprobe.d,sysroot}
    chmod 0700 "$initdir/root"
    [ -e "$initdir/var/run" ] || ln -s ../run "$initdir/var/run"
    [ -e "$initdir/var/tmp" ] || ln -s ../tmp "$initdir/var/tmp"
    ln -sfn /proc/self/mounts "$initdir/etc/mtab"
    echo 'root:x:0:0::/root:/bin/bash' > "$initdir/etc/passwd"
    echo 'root:x:0:' > "$initdir/etc/group"
    # No udev here: device-mapper has to make its nodes itself and must not wait for anybody.
    cat > "$initdir/etc/lvm/lvm.conf" << 'CONF'
devices { obtain_device_list_from_udev = 0 external_device_info_source = "none" use_devicesfile = 0 }
activation { udev_sync = 0 udev_rules = 0 verify_udev_operations = 0 monitoring = 0 }
global { use_lvmpolld = 0 }
backup { backup = 0 archive = 0 }
CONF
    # A disk that is found later than its driver is loaded would be overlooked.
    echo 'options scsi_mod scan=sync' > "$initdir/etc/modprobe.d/haoscar.conf"
}
