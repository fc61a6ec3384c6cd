#!/bin/sh
# Brings a bare Debian 12+, Ubuntu 22.04+ or macOS (with Homebrew) to where
# `cargo build` works: FFmpeg's libraries, clang, Vulkan, ONNX Runtime, Rust.
# Does only what is missing; safe to run again.
#
#   ./setup.sh          everything, ONNX Runtime for the CPU
#   ./setup.sh --gpu    also its plug-in for any GPU (Vulkan, Metal)
#   ./setup.sh --cuda   ONNX Runtime for NVIDIA GPUs instead (CUDA and cuDNN are yours)
#   ./setup.sh --tests  also what `cargo test -- --ignored` wants: a screen (Xvfb) and Chromium
set -eu
cd "$(dirname "$0")"

ONNXRUNTIME=1.31.1
FOLDER=.onnxruntime
PACKAGE=onnxruntime
WEBGPU=0.4.0
GPU=
TESTS=
for argument in "$@"; do
    case $argument in
    --gpu) GPU=1 ;;
    --cuda) PACKAGE=onnxruntime-gpu ;;
    --tests) TESTS="xvfb x11-apps imagemagick xdotool openbox chromium" ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
done

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    say "$1"
    say "  try: $2"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root, saying so first.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        say "needs root: sudo $*"
        sudo "$@"
    else
        fail "this needs root, and there is no sudo" "as root: $*"
    fi
}

debian_packages() {
    wanted="ffmpeg libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev
        libswresample-dev libswscale-dev gcc libc6-dev libclang-dev pkg-config
        libvulkan1 mesa-vulkan-drivers python3 python3-pip ca-certificates
        libx11-6 libx11-xcb1 libxcb1 libxcursor1 libxi6 libxkbcommon0 libxkbcommon-x11-0 $TESTS"
    missing=
    for package in $wanted; do
        # A tool that came another way (a newer Python, say) will do.
        case $package in
        python3-pip) python3 -m pip --version >/dev/null 2>&1 && continue ;;
        python3 | gcc | ffmpeg | pkg-config) have "$package" && continue ;;
        esac
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
        [ "$state" = 'install ok installed' ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    as_root apt-get update -qq || fail "the package lists could not be fetched" "again, when online"
    # shellcheck disable=SC2086 # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        fail "not every package could be installed" "again, when online; or install them by hand:$missing"
}

mac_packages() {
    have brew || fail "Homebrew is not installed" "install it as its page, brew.sh, says"
    missing=
    installed=" $(brew list --formula -1 | tr '\n' ' ') "
    for package in ffmpeg llvm pkgconf python; do
        case $installed in *" $package "*) ;; *) missing="$missing $package" ;; esac
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    # shellcheck disable=SC2086 # a list of names
    brew install --quiet $missing || fail "Homebrew could not install$missing" "again, when online"
}

rust() {
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    if have cargo; then
        wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
        found=$(cargo --version | cut -d ' ' -f 2)
        [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] && return 0
        fail "Rust $found is older than $wanted" "rustup update stable"
    fi
    if have apt-cache && apt-cache policy rustup | grep -q 'Candidate: [0-9]'; then
        as_root apt-get install -y -qq rustup >/dev/null && rustup default stable && return 0
    elif have brew; then
        brew install --quiet rustup && rustup default stable && return 0
    fi
    fail "Rust is not installed" "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
}

# The wheel of a package, unpacked into a folder, for this system.
wheel() {
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --implementation cp --python-version 3.12 --abi "$1" --platform "$platform" \
        --dest "$3" "$2" || fail "$2 could not be downloaded" "again, when online"
    python3 -m zipfile -e "$3"/*.whl "$3"
    rm "$3"/*.whl
}

# ONNX Runtime's shared library, out of the Python package of the same name: the
# only place that has it for every system. No Python is needed at run time.
onnxruntime() {
    [ "$(cat $FOLDER/version 2>/dev/null)" = "$PACKAGE $ONNXRUNTIME" ] && [ -e $FOLDER/libonnxruntime ] && return 0
    say "fetching $PACKAGE $ONNXRUNTIME"
    # Who has the plug-in keeps it.
    [ ! -e $FOLDER/webgpu ] || GPU=1
    rm -rf $FOLDER.part
    mkdir -p $FOLDER.part
    wheel cp312 "$PACKAGE==$ONNXRUNTIME" $FOLDER.part
    mv $FOLDER.part/onnxruntime/capi/libonnxruntime* $FOLDER.part/
    mv $FOLDER.part/onnxruntime/LICENSE $FOLDER.part/onnxruntime/ThirdPartyNotices.txt $FOLDER.part/
    rm -r $FOLDER.part/onnxruntime $FOLDER.part/*.dist-info
    # One name on every system, for .cargo/config.toml.
    library=$(cd $FOLDER.part && find . -name 'libonnxruntime.so.*' -o -name 'libonnxruntime.*.dylib' | head -n 1)
    [ -n "$library" ] || fail "the package holds no library" "report this, with: ls $FOLDER.part"
    ln -s "$library" $FOLDER.part/libonnxruntime
    echo "$PACKAGE $ONNXRUNTIME" >$FOLDER.part/version
    rm -rf $FOLDER
    mv $FOLDER.part $FOLDER
}

# Its plug-in for any GPU, which it opens where it lies beside it.
webgpu() {
    [ "$(cat $FOLDER/webgpu 2>/dev/null)" = "$WEBGPU" ] && return 0
    say "fetching onnxruntime-ep-webgpu $WEBGPU"
    rm -rf $FOLDER.part
    mkdir -p $FOLDER.part
    wheel none "onnxruntime-ep-webgpu==$WEBGPU" $FOLDER.part
    mv $FOLDER.part/onnxruntime_ep_webgpu/libonnxruntime_providers_webgpu.* $FOLDER/
    rm -rf $FOLDER.part
    echo "$WEBGPU" >$FOLDER/webgpu
}

case "$(uname -s)-$(uname -m)" in
Linux-x86_64) platform=manylinux_2_28_x86_64 ;;
Linux-aarch64) platform=manylinux_2_28_aarch64 ;;
Darwin-arm64) platform=macosx_14_0_arm64 ;;
*) fail "ONNX Runtime is not packaged for $(uname -s) on $(uname -m)" \
    "build it, and set ORT_DYLIB_PATH to its library" ;;
esac

# The user's data folder is where programs that were installed look for the library and the networks.
links() {
    [ -n "${HOME-}" ] || return 0
    case "$(uname -s)" in
    Darwin) data="$HOME/Library/Application Support/stylewarp" library=libonnxruntime.dylib ;;
    *) data="${XDG_DATA_HOME:-$HOME/.local/share}/stylewarp" library=libonnxruntime.so ;;
    esac
    mkdir -p "$data"
    [ "$data/$library" -ef $FOLDER/libonnxruntime ] || ln -sf "$PWD/$FOLDER/libonnxruntime" "$data/$library"
    [ -d "$data/models" ] || ln -sfn "$PWD/models" "$data/models"
}

case "$(uname -s)" in
Linux)
    if have apt-get && have dpkg-query; then
        debian_packages
    else
        say "no apt here: install FFmpeg 5.1+ with headers, libclang, pkg-config and a Vulkan driver yourself"
    fi
    ;;
Darwin) mac_packages ;;
*) fail "this system is not known to the script" "see README.md, what is needed" ;;
esac
onnxruntime
[ -z "$GPU" ] || webgpu
links
rust
say "ready"
