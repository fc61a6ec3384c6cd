// The page with the dials: turns them, shows how they stand, and what is amiss.
const at = (id) => document.getElementById(id);
const sliders = ["warp", "paint", "stroke_size", "steady", "relief"];
const parts = { all: "everything", subject: "only me", background: "all but me" };
const choices = {
  focus: { largest: "the nearest", middle: "in the middle", all: "up to three" },
  paint_where: parts, warp_where: parts,
  backdrop: { keep: "as it is", blur: "blurred", color: "one colour", clear: "nothing (for OBS)", picture: "a picture" },
};
let held = 0;  // until when the sliders are the user's
let now;       // what the program said last
let told = ""; // what it said to the last thing that was asked of it
let toldUntil = 0;

async function ask(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  say(await answer.text());
  return answer.ok;
}
function say(text) {
  told = text;
  toldUntil = performance.now() + 6000;
  at("notice").textContent = told;
}
function turn(change) {
  held = performance.now() + 800;
  return ask("api/turn", change);
}
for (const id of sliders) {
  at(id).oninput = ({ target }) => {
    target.nextElementSibling.value = target.value;
    turn({ [id]: Number(target.value) });
  };
  at(id).ondblclick = () => {
    at(id).value = now.own[id];
    at(id).nextElementSibling.value = now.own[id].toFixed(2);
    turn({ [id]: now.own[id] });
  };
}
for (const id in choices) {
  for (const value in choices[id]) at(id).append(new Option(choices[id][value], value));
  at(id).onchange = ({ target }) => turn({ [id]: target.value });
}
at("mirror").onchange = ({ target }) => turn({ mirror: target.checked });
at("keep").onchange = ({ target }) => turn({ colors: target.checked ? "keep" : "paint" });
at("frozen").onclick = () => turn({ frozen: at("frozen").ariaPressed !== "true" });
at("record").onclick = () => ask("api/record", { on: now.recording_secs === null });
at("source").textContent = new URL("source", location.href);

const player = play(at("picture"), {});
at("compare").onclick = () => {
  player.split = player.split === undefined ? 0.5 : undefined;
  at("compare").ariaPressed = player.split !== undefined;
};
const drag = ({ offsetX, buttons }) => {
  if (player.split !== undefined && buttons) player.split = Math.min(1, Math.max(0, offsetX / at("picture").clientWidth));
};
at("picture").onpointerdown = drag;
at("picture").onpointermove = drag;

// The looks, or those looks and paintings whose names have what is searched for.
let listed = "";
function list() {
  const search = at("search").value.trim().toLowerCase().replaceAll("-", " ");
  const fits = (name) => name.toLowerCase().replaceAll("-", " ").includes(search);
  const looks = now.looks.filter(fits).map((name) => ({ kind: "preset", name }));
  const paintings = search ? now.paintings.filter(fits).map((name) => ({ kind: "texture", name })) : [];
  const shown = [...(search ? [] : [{ kind: "original", name: "original" }]), ...looks, ...paintings];
  const worn = now.dials.original ? "original" : now.dials.wanted === now.dials.preset && now.dials.texture || now.dials.wanted;
  if (listed !== JSON.stringify(shown)) {
    listed = JSON.stringify(shown);
    at("looks").replaceChildren(...shown.map(({ kind, name }) => {
      const button = document.createElement("button");
      if (kind !== "original") {
        const picture = new Image();
        picture.loading = "lazy";
        picture.src = (kind === "preset" ? "thumbnails/" : "paintings/") + encodeURIComponent(name);
        picture.alt = "";
        button.append(picture);
      }
      button.append(name);
      button.title = { preset: "a look: shapes and brushwork", texture: "a painting: its brushwork, over your look", original: "the camera's own picture" }[kind];
      button.onclick = () => turn({ [kind]: kind === "original" ? true : name });
      return button;
    }));
  }
  for (const button of at("looks").children) button.ariaPressed = button.textContent === worn;
}
at("search").oninput = () => list();

function clock(secs) {
  return `${Math.floor(secs / 60)}:${String(secs % 60).padStart(2, "0")}`;
}
// A painting that is dropped or chosen: made as small as is good for it, white where it is transparent, and worn.
async function wear(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, 2048 / Math.max(picture.width, picture.height));
    const small = Object.assign(document.createElement("canvas"), {
      width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale)),
    });
    const drawn = small.getContext("2d");
    drawn.fillStyle = "#fff";
    drawn.fillRect(0, 0, small.width, small.height);
    drawn.drawImage(picture, 0, 0, small.width, small.height);
    const body = await new Promise((done) => small.toBlob(done, "image/png"));
    const answer = await fetch(`api/painting/${encodeURIComponent(file.name)}`, { method: "POST", body });
    const first = file.type === "image/gif" ? `${file.name}: of a file that moves, the first picture is worn` : "";
    say(answer.ok ? first : await answer.text());
  } catch {
    say(`${file.name} is no picture that this browser reads\n  try: a JPEG, PNG or WebP picture`);
  }
}
at("file").onchange = ({ target }) => { if (target.files[0]) wear(target.files[0]); target.value = ""; };
addEventListener("dragover", (event) => { event.preventDefault(); document.body.className = "over"; });
addEventListener("dragleave", () => { document.body.className = ""; });
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.className = "";
  const file = [...event.dataTransfer.files].at(-1);
  if (file) wear(file);
});

// The painting that is worn: a button that makes it better, or how far that is.
at("better").onclick = () => ask("api/tune", { what: "begin" });
at("pause").onclick = () => ask("api/tune", { what: now.tuning.running?.paused === "asked" ? "resume" : "pause" });
at("stop").onclick = () => ask("api/tune", { what: "stop" });
function showTuning({ can, missing, running, said }) {
  at("tuning").hidden = !can && !running && !said;
  at("better").hidden = !can || running;
  at("better").disabled = missing;
  at("better").title = missing ?? `tunes a painter to ${can} in the background: ten minutes where a core has nothing else to do. ` +
    "The picture goes on, and what comes of it is kept among your looks; pressed again it goes on";
  for (const id of ["share", "pause", "stop"]) at(id).hidden = !running;
  at("far").textContent = running ? "" : said ?? "";
  if (!running) return;
  const { name, share, left_secs, paused } = running;
  at("share").value = share;
  at("pause").textContent = paused === "asked" ? "Go on" : "Pause";
  const left = left_secs === null ? "" : `, ${clock(left_secs)} left`;
  at("far").textContent = `${name}: ${(100 * share).toFixed(0)} %` +
    (paused === "asked" ? ", stands still" : paused === "stream" ? ", lets the picture go first" : left);
}
function show(state) {
  now = state;
  showTuning(state.tuning);
  const { dials, notices, reading, devices, recording_secs, camera_lost } = state;
  at("notice").textContent = [...notices, told].filter(Boolean).join("\n");
  if (performance.now() > held) {
    for (const id of sliders) {
      at(id).value = dials[id];
      at(id).nextElementSibling.value = dials[id].toFixed(2);
    }
    for (const id in choices) at(id).value = dials[id];
    for (const option of at("backdrop").options) option.hidden = option.value === "picture" && !dials.has_picture;
    at("mirror").checked = dials.mirror;
    at("keep").checked = dials.colors === "keep";
  }
  if (performance.now() > toldUntil) told = "";
  at("frozen").ariaPressed = dials.frozen;
  at("badge").hidden = !dials.frozen && !camera_lost;
  at("badge").textContent = camera_lost ? "camera lost" : "frozen";
  at("badge").className = camera_lost ? "lost" : "";
  at("record").textContent = recording_secs === null ? "Record" : clock(recording_secs);
  at("record").ariaPressed = recording_secs !== null;
  list();
  const share = reading.fps / reading.camera_fps;
  at("light").style.background =
    notices.length || (!dials.frozen && share < 0.5) ? "#de423c" : !dials.frozen && share < 0.9 ? "#eca92e" : "#48b461";
  at("why").textContent = notices.length ? "something is amiss" : dials.frozen ? "frozen"
    : `${reading.fps.toFixed(0)} of ${reading.camera_fps.toFixed(0)} frames a second`;
  const rows = {
    "frames a second": `${reading.fps.toFixed(1)} of ${reading.camera_fps.toFixed(1)}`,
    "warps a second": reading.warp_fps.toFixed(1),
    "camera to output": `${reading.latency_ms.toFixed(0)} ms, 99 of 100 within ${reading.latency_p99_ms.toFixed(0)} ms`,
    "camera to this page": player.age === undefined ? "" : `${player.age.toFixed(0)} ms`,
    "left out": reading.dropped, "painted at": `${reading.lines} lines`, "runs on": devices,
  };
  at("reading").replaceChildren(...Object.entries(rows).flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}
async function poll() {
  try {
    const sent = performance.now(), state = await (await fetch("api/state")).json(), trip = performance.now() - sent;
    // The program's clock on this page's, as exactly as the quickest answer tells.
    if (!(trip > player.trip)) [player.trip, player.offset] = [trip, state.now_ms - sent - trip / 2];
    show(state);
  } catch {
    at("notice").textContent = "stylewarp does not answer";
  }
  setTimeout(poll, 500);
}
poll();
