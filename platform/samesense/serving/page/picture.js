// Pictures that the user brings: by file, by drop or by paste.

const LONGEST_SIDE = 1024;

export function takePictures(fileInput, onPicture, onError) {
  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith('image/'));
    if (!file) return onError(new Error('That is not a picture.'));
    return scaleDown(file).then(onPicture, onError);
  };
  fileInput.addEventListener('change', () => {
    if (fileInput.files.length) take(fileInput.files);
    fileInput.value = '';
  });
  document.addEventListener('paste', (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  takeDrops(take);
}

export function toDataUri(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function takeDrops(take) {
  const mark = (dropping) => document.body.classList.toggle('dropping', dropping);
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(event.dataTransfer.types.includes('Files'));
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    take(event.dataTransfer.files);
  });
}

async function scaleDown(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    return drawJpeg(image);
  } catch {
    throw new Error('That picture cannot be read.');
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

function drawJpeg(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/jpeg', 0.9);
}
