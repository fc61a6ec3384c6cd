// Plays the session on a canvas: asks for the next picture as soon as one has come, so none waits in line.
// While the program is away the last picture stays; it comes back by itself.
function play(canvas, shown) {
  const context = canvas.getContext("2d", { desynchronized: true });
  const address = new URL("frames", location.href);
  address.protocol = "ws:";
  function connect() {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send("next");
    socket.onmessage = async ({ data }) => {
      socket.send("next");
      const taken = new DataView(data).getFloat64(0, true);
      const picture = await createImageBitmap(new Blob([new Uint8Array(data, 8)], { type: "image/jpeg" }));
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      context.drawImage(picture, 0, 0);
      picture.close();
      shown?.(taken);
    };
    socket.onclose = () => setTimeout(connect, 500);
  }
  connect();
}
