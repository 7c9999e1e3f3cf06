// Print writes the public OpenAPI document to standard output, for generators: the
// page's types are made from it (npm run generate).
package main

import (
	"fmt"
	"os"

	"anihub/web/openapi"
)

func main() {
	doc, err := openapi.Public().JSON()
	if err == nil {
		_, err = os.Stdout.Write(doc)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
