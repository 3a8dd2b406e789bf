// Voice notes and pictures, made fit for WhatsApp as a phone does it.

const VOICES = ["audio/ogg;codecs=opus", "audio/mp4", "audio/aac"]; // what WhatsApp takes, the best first
const SHORTEST_VOICE = 1000; // ms; a phone throws away what is shorter
const LONGEST_SIDE = 1600;
const MOST_PICTURE = 5 * 1024 * 1024;

// The type this browser can record in, or "" when it cannot record what WhatsApp takes.
export function recordable() {
  if (!window.MediaRecorder || !navigator.mediaDevices) return "";
  return VOICES.find((type) => MediaRecorder.isTypeSupported(type)) || "";
}

// Records until stop(); `stop` resolves to a File, or to null when there is too little to hear; `cancel` throws everything
// away. Throws when there is no microphone.
export async function record() {
  const type = recordable();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 32000 });
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => { if (event.data.size) parts.push(event.data); });
  const ended = new Promise((done) => recorder.addEventListener("stop", done));
  recorder.start();
  const began = Date.now();
  const release = () => {
    if (recorder.state !== "inactive") recorder.stop();
    for (const track of stream.getTracks()) track.stop();
  };
  return {
    began,
    cancel: release,
    async stop() {
      const lasted = Date.now() - began;
      release();
      await ended;
      if (lasted < SHORTEST_VOICE || !parts.length) return null;
      const plain = type.split(";")[0];
      return new File(parts, "voice." + { "audio/ogg": "ogg", "audio/mp4": "m4a", "audio/aac": "aac" }[plain], { type: plain });
    },
  };
}

// A JPEG or PNG within WhatsApp's 5 MB; other pictures the browser can read are turned into a JPEG.
export async function fitPicture(file) {
  if (/^image\/(jpeg|png)$/.test(file.type) && file.size <= MOST_PICTURE) return file;
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch (problem) {
    throw new Error("This browser cannot read the picture " + file.name + ".");
  }
  const shrink = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * shrink));
  canvas.height = Math.max(1, Math.round(picture.height * shrink));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff"; // a JPEG has no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  return new File([blob], file.name.replace(/\.[^.]*$/, "") + ".jpg", { type: "image/jpeg" });
}

// How a file travels: the kind of message for its type.
export function kindOf(file) {
  const head = file.type.split("/")[0];
  return head === "image" || head === "audio" || head === "video" ? head : "document";
}
