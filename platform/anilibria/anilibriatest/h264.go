package anilibriatest

// A tiny H.264 encoder (ITU-T H.264, baseline profile, CAVLC, every frame an IDR)
// for pictures made of flat squares of 16×16 pixels. A square of the colour of its
// left or upper neighbour is predicted from it and costs about a byte; any other is
// sent as raw samples (I_PCM). The deblocking filter is off, so the squares stay
// sharp and what is decoded is exactly what was meant.

const (
	pictureWidth  = 20 // squares: 320 pixels
	pictureHeight = 12 // squares: 192 pixels
)

// colour is one square in YCbCr.
type colour struct{ y, cb, cr byte }

// picture is a frame, row by row.
type picture [pictureWidth * pictureHeight]colour

// bits writes MSB first.
type bits struct {
	out  []byte
	free uint // bits left in the last byte
}

func (b *bits) put(value uint32, n uint) {
	for ; n > 0; n-- {
		if b.free == 0 {
			b.out = append(b.out, 0)
			b.free = 8
		}
		b.free--
		b.out[len(b.out)-1] |= byte(value>>(n-1)&1) << b.free
	}
}

// ue is the unsigned Exp-Golomb code (§9.1).
func (b *bits) ue(v uint32) {
	v++
	n := uint(0)
	for v>>(n+1) != 0 {
		n++
	}
	b.put(0, n)
	b.put(v, n+1)
}

// align fills the byte with zeros.
func (b *bits) align() { b.free = 0 }

// trail ends a unit: a one and zeros (§7.3.2.11).
func (b *bits) trail() {
	b.put(1, 1)
	b.align()
}

// unit is a NAL unit in Annex B form, with emulation prevention (§7.3.1).
func unit(header byte, payload []byte) []byte {
	out := append(make([]byte, 0, len(payload)+8), 0, 0, 0, 1, header)
	zeros := 0
	for _, c := range payload {
		if zeros >= 2 && c <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		out = append(out, c)
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

// sequenceSet is the SPS: baseline, level 3.0, order by decoding, one reference.
func sequenceSet() []byte {
	b := &bits{}
	b.put(66, 8)   // profile_idc: baseline
	b.put(0xC0, 8) // also constrained baseline, also main
	b.put(30, 8)   // level_idc
	b.ue(0)        // seq_parameter_set_id
	b.ue(0)        // log2_max_frame_num − 4
	b.ue(2)        // pic_order_cnt_type: output order is decoding order
	b.ue(1)        // max_num_ref_frames
	b.put(0, 1)    // no gaps in frame_num
	b.ue(pictureWidth - 1)
	b.ue(pictureHeight - 1)
	b.put(1, 1) // frames only
	b.put(1, 1) // direct_8x8_inference
	b.put(0, 1) // no cropping
	b.put(0, 1) // no VUI
	b.trail()
	return unit(0x67, b.out)
}

// pictureSet is the PPS: CAVLC, deblocking controlled by the slice.
func pictureSet() []byte {
	b := &bits{}
	b.ue(0)     // pic_parameter_set_id
	b.ue(0)     // seq_parameter_set_id
	b.put(0, 1) // CAVLC
	b.put(0, 1) // no POC of the bottom field
	b.ue(0)     // one slice group
	b.ue(0)     // num_ref_idx_l0 − 1
	b.ue(0)     // num_ref_idx_l1 − 1
	b.put(0, 3) // no weighted prediction
	b.ue(0)     // pic_init_qp − 26
	b.ue(0)     // pic_init_qs − 26
	b.ue(0)     // chroma_qp_index_offset
	b.put(1, 1) // deblocking_filter_control_present
	b.put(0, 2) // no constrained intra, no redundant pictures
	b.trail()
	return unit(0x68, b.out)
}

// frame encodes one picture as an access unit; id tells neighbouring IDRs apart.
func frame(p *picture, id uint32) []byte {
	b := &bits{}
	b.ue(0)      // first_mb_in_slice
	b.ue(7)      // slice_type: all I
	b.ue(0)      // pic_parameter_set_id
	b.put(0, 4)  // frame_num
	b.ue(id & 1) // idr_pic_id
	b.put(0, 2)  // no long term reference
	b.ue(0)      // slice_qp_delta: se(0)
	b.ue(1)      // disable_deblocking_filter_idc
	raw := make([]bool, len(p))
	for at := range p {
		raw[at] = square(b, p, at, raw)
	}
	b.trail()
	out := unit(0x09, []byte{0x10}) // access unit delimiter: I
	out = append(out, sequenceSet()...)
	out = append(out, pictureSet()...)
	return append(out, unit(0x65, b.out)...)
}

// square writes one macroblock and tells whether it went out raw.
func square(b *bits, p *picture, at int, raw []bool) bool {
	left, up := at%pictureWidth > 0, at >= pictureWidth
	switch {
	case left && p[at] == p[at-1]:
		predicted(b, 1, 1, coefficients(at, raw))
	case up && p[at] == p[at-pictureWidth]:
		predicted(b, 0, 2, coefficients(at, raw))
	default:
		pcm(b, p[at])
		return true
	}
	return false
}

// predicted is Intra_16x16 without residual: luma 0 is vertical and 1 horizontal,
// chroma 1 is horizontal and 2 vertical (tables 8-4 and 8-5).
func predicted(b *bits, luma, chroma uint32, nC int) {
	b.ue(1 + luma) // mb_type
	b.ue(chroma)   // intra_chroma_pred_mode
	b.ue(0)        // mb_qp_delta: se(0)
	// coeff_token of the luma DC block with no coefficients (table 9-5).
	switch {
	case nC < 2:
		b.put(1, 1)
	case nC < 4:
		b.put(3, 2)
	case nC < 8:
		b.put(15, 4)
	default:
		b.put(3, 6)
	}
}

// coefficients is nC (§9.2.1): a raw neighbour counts as 16 coefficients.
func coefficients(at int, raw []bool) int {
	count := func(yes bool) int {
		if yes {
			return 16
		}
		return 0
	}
	left, up := at%pictureWidth > 0, at >= pictureWidth
	switch {
	case left && up:
		return (count(raw[at-1]) + count(raw[at-pictureWidth]) + 1) / 2
	case left:
		return count(raw[at-1])
	case up:
		return count(raw[at-pictureWidth])
	}
	return 0
}

// pcm is mb_type I_PCM: 384 samples as they are. A sample of 0 would be legal, but
// the caller's colours stay within the video range anyway.
func pcm(b *bits, c colour) {
	b.ue(25)
	b.align()
	for range 256 {
		b.out = append(b.out, c.y)
	}
	for range 64 {
		b.out = append(b.out, c.cb)
	}
	for range 64 {
		b.out = append(b.out, c.cr)
	}
}
