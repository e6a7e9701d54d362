package accounts

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
)

// picturePath is the path below which the service has a picture for each user.
const picturePath = "/_service/pictures/"

const (
	pictureSize  = 300
	pictureTiles = 5
)

// servePicture answers GET /_service/pictures/{user}.png. It needs no token,
// like pictures at Spotify.
func (s *Service) servePicture(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, picturePath), ".png")
	if !ok || s.users[id] == nil {
		writeAPIError(w, http.StatusNotFound, messageNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, http.MethodGet, http.MethodHead)
		writeAPIError(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	}
	allowAnyOrigin(w.Header())
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(drawPicture(id))
}

// drawPicture draws a symmetric pattern of tiles that differs for each user.
func drawPicture(userID string) []byte {
	sum := sha256.Sum256([]byte("picture\x00" + userID))
	paint := color.RGBA{R: 40 + sum[0]/2, G: 40 + sum[1]/2, B: 40 + sum[2]/2, A: 255}
	picture := image.NewRGBA(image.Rect(0, 0, pictureSize, pictureSize))
	const tile = pictureSize / pictureTiles
	for y := range pictureSize {
		for x := range pictureSize {
			column := min(x/tile, pictureTiles-1-x/tile)
			c := color.RGBA{R: 238, G: 238, B: 238, A: 255}
			if sum[3+y/tile*3+column]%2 == 0 {
				c = paint
			}
			picture.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil // writing to memory cannot fail
	}
	return b.Bytes()
}
