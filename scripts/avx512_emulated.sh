#!/usr/bin/env bash
# The tests of the AVX-512 kernel on a machine without AVX-512: in Bochs, which emulates an Ice Lake
# processor, under a small Linux. It takes a few minutes.
#
# `RANS_BOCHS` is the emulator, built with --enable-x86-64 --enable-avx --enable-evex --with-nogui.
# Up to a snapshot after release 3.0 it needs two corrections in cpu/avx/avx512.cc, both of `(1 <<
# k) - 1` with k up to 32: the write mask of VPCOMPRESSW and the load mask of VPEXPANDW from memory
# are empty where all 32 lanes take part. Further: bochsbios, vgabios, isolinux, syslinux-common,
# xorriso, cpio, a static busybox, and a kernel image with a serial console: by default the newest
# linux-image-*-cloud-amd64 that `apt-get download` gives, unpacked and not installed;
# `RANS_KERNEL_IMAGE` names another one (a vmlinuz). Where one of them is missing it says so and
# ends well, unless `RANS_REQUIRE_BOCHS` is set.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
    echo "AVX-512 under emulation: skipped: $1"
    exit "${RANS_REQUIRE_BOCHS:+1}"
}

bios=/usr/share/bochs
isolinux=/usr/lib/ISOLINUX/isolinux.bin
ldlinux=/usr/lib/syslinux/modules/bios/ldlinux.c32
bochs=${RANS_BOCHS:-}
[ -n "$bochs" ] || skip "RANS_BOCHS names no emulator"
for command in "$bochs" xorriso cpio gzip busybox strip; do
    command -v "$command" >/dev/null || skip "no $command"
done
for file in "$bios/BIOS-bochs-latest" "$bios/VGABIOS-lgpl-latest" "$isolinux" "$ldlinux"; do
    [ -e "$file" ] || skip "no $file"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{disc/isolinux,root/{bin,proc},image}

kernel=${RANS_KERNEL_IMAGE:-}
if [ -z "$kernel" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
    [ -n "$package" ] || skip "no RANS_KERNEL_IMAGE, and apt knows no linux-image-cloud-amd64"
    (cd "$work/image" && apt-get download "$package" >/dev/null 2>&1 && dpkg-deb -x "$package"*.deb .) || skip "cannot download $package"
    kernel=$(find "$work/image/boot" -name 'vmlinuz*')
fi

target=x86_64-unknown-linux-gnu
export RUSTFLAGS="-C target-feature=+crt-static" CARGO_TARGET_DIR=target/emulated
build=(cargo test -p ranstream --lib --no-default-features --target "$target" --no-run)
"${build[@]}"
tests=$("${build[@]}" 2>&1 | sed -n 's/.*Executable unittests src\/lib.rs (\(.*\))/\1/p')
strip -o "$work/root/tests" "$tests"
cp "$(command -v busybox)" "$work/root/bin/busybox"
cat >"$work/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
RANS_EXPECT_KERNELS=avx512 /tests simd:: block::turns:: format::check:: --test-threads 1
echo "tests end with $?"
/bin/busybox sleep 3
/bin/busybox poweroff -f
END
chmod +x "$work/root/init"

disc=$work/disc/isolinux
(cd "$work/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$disc/initrd.gz"
cp "$kernel" "$disc/linux"
cp "$isolinux" "$ldlinux" "$disc"
# With protection keys and compacted XSAVE areas, as Bochs describes them, Linux would do without
# AVX-512. Branch tracking and security modules hang it.
cat >"$disc/isolinux.cfg" <<'END'
DEFAULT tests
PROMPT 0
LABEL tests
 KERNEL linux
 INITRD initrd.gz
 APPEND console=ttyS0 quiet mitigations=off panic=-1 hpet=disable clearcpuid=pku,xsaves,xsavec,cet,ibt,shstk,user_shstk,umip,smap,smep,la57,fsrm,erms noibt apparmor=0 security=none lsm=capability
END
xorriso -as mkisofs -quiet -o "$work/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/disc" 2>/dev/null

cat >"$work/bochsrc" <<END
cpu: model=corei7_icelake_u, count=1, ips=20000000
megs: 512
romimage: file=$bios/BIOS-bochs-latest
vgaromimage: file=$bios/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$work/disc.iso, status=inserted
boot: cdrom
display_library: nogui
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
END
# It ends with an error when the machine switches off.
timeout "${RANS_BOCHS_SECONDS:-1800}" "$bochs" -q -f "$work/bochsrc" </dev/null >"$work/output" 2>&1 || true
grep -vE '^\[|^$' "$work/serial" || true
grep -q '^tests end with 0' "$work/serial"
