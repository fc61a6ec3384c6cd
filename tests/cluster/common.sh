# What the scripts beside it have in common.
JOB="$WORK/film.job"
CLIP=$(realpath tests/data/bunny.mp4)
STARTED=
export STYLEWARP_MODELS="${STYLEWARP_MODELS:-$(realpath models)}"
export ORT_DYLIB_PATH="${ORT_DYLIB_PATH:-$(realpath .onnxruntime/libonnxruntime)}"
finish() {
    for process in $STARTED; do kill "$process" 2>/dev/null; done
    sleep 1
    [ -n "${KEEP-}" ] || rm -rf "$WORK"
}
trap finish EXIT
trap 'exit 1' INT TERM

check() {
    if eval "$2"; then echo "ok   $1"; else
        echo "FAIL $1"
        tail -n 5 "$WORK"/*.log "$WORK"/split "$WORK"/submitted "$WORK"/parallel "$JOB"/log/* 2>/dev/null
        exit 1
    fi
}
# Whether something comes true within so many seconds.
waits() {
    left=$2
    until eval "$3"; do
        left=$((left - 1))
        [ $left -gt 0 ] || check "$1, within $2 s" false
        sleep 1
    done
    echo "ok   $1"
}
# The clip by one run, without loss.
single_run() {
    check "one run makes the film" \
        '"$PROGRAMS/stylewarp-video" "$CLIP" "$WORK/single.mkv" --codec ffv1 --device cpu --quiet'
}
# Kills a part that is at work, by the number of its process.
kill_one() {
    waits "a part is at work" 120 'ls -A "$JOB" | grep -q "^\.part-.*stylewarp-part$"'
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/exe")" = "$PROGRAMS/stylewarp-video" ] && tr '\0' ' ' <"$process/cmdline" | grep -qF "$JOB" &&
            kill -KILL "${process#/proc/}" && KILLED=${process#/proc/} && break
    done
    check "it is killed midway" '[ -n "${KILLED-}" ]'
}
pictures() { ffmpeg -v error -i "$1" -map 0:v:0 -f framemd5 - | grep -v '^#' | sed 's/.*, *//'; }
sound() { ffmpeg -v error -i "$1" -map 0:a:0 -c copy -f md5 -; }
same_film() {
    pictures "$WORK/single.mkv" >"$WORK/single.pictures"
    pictures "$WORK/joined.mkv" >"$WORK/joined.pictures"
    check "75 pictures, each that of the single run" \
        '[ "$(wc -l <"$WORK/joined.pictures")" = 75 ] && cmp -s "$WORK/single.pictures" "$WORK/joined.pictures"'
    check "the sound is the clip's" '[ "$(sound "$WORK/joined.mkv")" = "$(sound "$CLIP")" ]'
}
