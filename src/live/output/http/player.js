// Plays the session on a canvas: asks for the next picture as soon as one has come, so none waits in line.
// While the program is away the last picture stays; it comes back by itself.
//
// What is returned can be set and read: `split`, the share of the picture, from the left, that shows what the camera
// gave; `offset`, what is added to this page's clock to get the program's; `age`, how old pictures are when they are
// drawn, in milliseconds; `drawn`, how many there were.
function play(canvas, { alpha = false }) {
  const context = canvas.getContext("2d", { desynchronized: !alpha });
  const player = { split: undefined, offset: undefined, age: undefined, drawn: 0 };
  const address = new URL("frames", location.href);
  address.protocol = "ws:";
  const bitmap = (bytes) => createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));

  // The grey picture's light as how opaque each place is, and the colours, which lie over black, as they are.
  const cut = alpha ? cutter() : undefined;
  function draw(picture, second) {
    const { width, height } = picture;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    if (cut && second) {
      context.clearRect(0, 0, width, height);
      context.drawImage(cut(picture, second), 0, 0);
    } else {
      context.drawImage(picture, 0, 0);
    }
    if (player.split !== undefined && second && !cut) {
      const at = Math.round(player.split * width);
      if (at) context.drawImage(second, 0, 0, at, height, 0, 0, at, height);
      context.fillStyle = "#fff";
      context.fillRect(at - 1, 0, 2, height);
    }
  }
  function connect() {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    const next = () => socket.send(alpha ? "next with alpha" : player.split !== undefined ? "next with original" : "next");
    socket.onopen = next;
    socket.onmessage = async ({ data }) => {
      next();
      const header = new DataView(data), taken = header.getFloat64(0, true), length = header.getUint32(8, true);
      const two = data.byteLength > 12 + length;
      const [picture, second] = await Promise.all([
        bitmap(new Uint8Array(data, 12, length)), two ? bitmap(new Uint8Array(data, 12 + length)) : undefined,
      ]);
      draw(picture, second);
      picture.close();
      second?.close();
      player.drawn++;
      if (player.offset !== undefined) player.age = performance.now() + player.offset - taken;
    };
    socket.onclose = () => setTimeout(connect, 500);
  }
  connect();
  return player;
}

// Puts two pictures together, on the graphics card where there is one: colours over black, and how opaque they are.
function cutter() {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl", { premultipliedAlpha: true, preserveDrawingBuffer: true });
  if (!gl) return slowCutter();
  const shader = (kind, source) => {
    const made = gl.createShader(kind);
    gl.shaderSource(made, source);
    gl.compileShader(made);
    return made;
  };
  const program = gl.createProgram();
  gl.attachShader(program, shader(gl.VERTEX_SHADER, `
    attribute vec2 corner; varying vec2 place;
    void main() { place = vec2(corner.x, 1.0 - corner.y); gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0); }`));
  gl.attachShader(program, shader(gl.FRAGMENT_SHADER, `
    precision mediump float; varying vec2 place; uniform sampler2D colors; uniform sampler2D opaque;
    void main() { float a = texture2D(opaque, place).r; gl_FragColor = vec4(min(texture2D(colors, place).rgb, vec3(a)), a); }`));
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(gl.getAttribLocation(program, "corner"));
  gl.vertexAttribPointer(gl.getAttribLocation(program, "corner"), 2, gl.FLOAT, false, 0, 0);
  ["colors", "opaque"].forEach((name, unit) => {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const size of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, size, gl.NEAREST);
    gl.uniform1i(gl.getUniformLocation(program, name), unit);
  });
  return (...pictures) => {
    const [{ width, height }] = pictures;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.viewport(0, 0, width, height);
    pictures.forEach((picture, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    });
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    return canvas;
  };
}

// The same where there is no graphics card, pixel by pixel.
function slowCutter() {
  const [out, other] = [0, 1].map(() => document.createElement("canvas").getContext("2d", { willReadFrequently: true }));
  return (picture, opaque) => {
    const { width, height } = picture;
    const [colors, alpha] = [[out, picture], [other, opaque]].map(([context, from]) => {
      if (context.canvas.width !== width || context.canvas.height !== height) [context.canvas.width, context.canvas.height] = [width, height];
      context.drawImage(from, 0, 0);
      return context.getImageData(0, 0, width, height);
    });
    for (let k = 0; k < colors.data.length; k += 4) {
      const a = alpha.data[k];
      // Out of black again, as a canvas wants it.
      if (a && a < 255) for (let c = k; c < k + 3; c++) colors.data[c] = Math.min(255, colors.data[c] * 255 / a);
      colors.data[k + 3] = a;
    }
    out.putImageData(colors, 0, 0);
    return out.canvas;
  };
}
