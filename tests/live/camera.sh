#!/bin/sh
# With a real camera driver: the kernel's virtual camera `vivid`, and a v4l2loopback device. Run as root on a
# machine (a virtual one, best) that has both, from the repository's folder, after `cargo build --release`:
#
#   tests/live/camera.sh [PROGRAM] [CAMERA] [LOOPBACK]
#
# It lists the camera, captures from it, is a camera itself that FFmpeg reads, has it busy, has its pictures damaged
# and its driver fail (by `v4l2-ctl` of the package v4l-utils), and unplugs it and plugs it in again while a session
# runs. Prints one line a check; fails at the first that does not hold.
set -u
PROGRAM=${1:-target/release/stylewarp}
CAMERA=${2:-/dev/video0}
LOOPBACK=${3:-/dev/video10}
DRIVER=/sys/bus/platform/drivers/vivid
WORK=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$WORK"' EXIT

check() {
    if eval "$2"; then echo "ok   $1"; else
        echo "FAIL $1"
        tail -n 5 "$WORK"/*
        exit 1
    fi
}
# The last number of a name in a session's report.
number() { tail -n 1 "$WORK/report" | sed "s/.*\"$1\":\([0-9.]*\).*/\1/"; }
# Whether a report says so within half a minute.
says() {
    for _ in $(seq 60); do
        tail -n 2 "$WORK/report" | grep -q "$1" && return 0
        sleep 0.5
    done
    return 1
}

"$PROGRAM" live --list >"$WORK/list" 2>&1
check "the camera is listed, with what it offers" 'grep -qi vivid "$WORK/list" && grep -Eq "YUYV|NV12|MJPEG" "$WORK/list"'

"$PROGRAM" doctor >"$WORK/doctor" 2>&1
check "the doctor finds the virtual camera" 'grep -q "virtual camera.*$LOOPBACK" "$WORK/doctor"'

"$PROGRAM" live --camera "$LOOPBACK" --no-window -q >"$WORK/none" 2>&1
check "a virtual camera that nobody writes to is refused, with a way out" 'grep -q "  try: " "$WORK/none"'

"$PROGRAM" live --camera test --no-window -q --loopback "$CAMERA" >"$WORK/output" 2>&1
check "a camera is no place to write to" 'grep -q "takes no pictures" "$WORK/output"'

"$PROGRAM" live --camera "$CAMERA" --resolution 640x360 --warp 0 --texture scream --size 160 --no-window --json \
    --loopback "$LOOPBACK" >"$WORK/report" 2>"$WORK/errors" &
SESSION=$!
check "a session begins" 'says "\"event\":\"live\""'
sleep 5
echo "     $(number fps) frames a second of the camera's $(number camera_fps), latency $(number latency_ms) ms"

ffmpeg -v error -y -f v4l2 -i "$LOOPBACK" -frames:v 60 "$WORK/read.mkv" 2>"$WORK/ffmpeg"
check "FFmpeg reads it as a camera" '[ "$(ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 "$WORK/read.mkv")" = 60 ]'
ffmpeg -v error -y -f v4l2 -i "$LOOPBACK" -frames:v 10 "$WORK/again.mkv" 2>"$WORK/ffmpeg"
check "readers come and go" '[ -s "$WORK/again.mkv" ]'
[ -z "${KEEP-}" ] || ffmpeg -v error -y -sseof -0.1 -i "$WORK/read.mkv" -frames:v 1 "$KEEP"

"$PROGRAM" live --camera "$CAMERA" --no-window -q >"$WORK/busy" 2>&1
check "a busy camera is refused, with a way out" 'grep -q "close the other program" "$WORK/busy"'

# While this runs, every picture is marked as damaged.
(while :; do v4l2-ctl -d "$CAMERA" -c inject_v4l2_buf_flag_error=1; done) >/dev/null 2>&1 &
DAMAGE=$!
check "damaged pictures are not shown, and many in a row are told" 'says "pictures in a row cannot be read"'
kill $DAMAGE
check "... and whole ones go on" 'says "\"notice\":null"'
v4l2-ctl -d "$CAMERA" -c inject_fatal_streaming_error=1
check "a driver that fails for good is told" 'says "stands still"'
check "... and opened again" 'says "\"notice\":null"'

DEVICE=$(basename "$(ls -d $DRIVER/vivid.* | head -n 1)")
echo "$DEVICE" >$DRIVER/unbind
check "unplugged, the picture stands still, with a notice" 'says "stands still"'
check "... and the session lives" 'kill -0 $SESSION'
ffmpeg -v error -y -f v4l2 -i "$LOOPBACK" -frames:v 10 "$WORK/still.mkv" 2>"$WORK/ffmpeg"
check "... and its readers get the still picture" '[ -s "$WORK/still.mkv" ]'
echo "$DEVICE" >$DRIVER/bind
check "plugged in again, it comes back by itself" 'says "\"notice\":null" && sleep 3 && says "\"notice\":null"'
BEFORE=$(number finished)
sleep 3
check "... and pictures go on" '[ "$(number finished)" -gt "$BEFORE" ]'

# Somebody reads from here on.
ffmpeg -v error -y -f v4l2 -i "$LOOPBACK" -f null - >"$WORK/reader" 2>&1 &
READER=$!
sleep 3
kill -INT $SESSION
wait $SESSION
check "it ends well when asked" '[ $? -eq 0 ] && ! grep -q panicked "$WORK/errors"'

again() {
    "$PROGRAM" live --camera test --resolution 320x240 --warp 0 --paint 0 --no-window --json --loopback "$LOOPBACK" \
        >"$WORK/report" 2>"$WORK/again" &
    SESSION=$!
    says "\"event\":\"live\""
    BEGUN=$?
    kill -INT $SESSION
    wait $SESSION && [ $BEGUN -eq 0 ]
}
check "the next one takes the camera over while it is read, in another size" again
kill $READER
check "... and once nobody reads it" again
