package anilibriatest

import "net/http"

func (s *Server) picture(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
func (s *Server) video(w http.ResponseWriter, r *http.Request)   { http.NotFound(w, r) }
