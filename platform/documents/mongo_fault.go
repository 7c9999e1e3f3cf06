package documents

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"anihub/platform/fault"
)

// fault says an error of the driver in the words of the interface. ctx is the
// caller's: what its end caused is its error, except a definite answer.
func (s *mongoStore) fault(ctx context.Context, err error) error {
	var known *fault.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case taken11000(err):
		return ErrExists.With(err)
	case ctx.Err() != nil:
		return fmt.Errorf("documents: %w", ctx.Err())
	case s.over() != nil:
		return s.over()
	case mongo.IsTimeout(err), mongo.IsNetworkError(err):
		return ErrUnavailable.With(err)
	}
	var answer mongo.ServerError
	if errors.As(err, &answer) {
		return ofAnswer(answer)
	}
	// What is not the server's answer is the driver's report that it could not get
	// one: no server found, a connection that could not be had or was cut.
	return ErrUnavailable.With(err)
}

// taken11000 tells whether the error is that an id or a unique value is there
// already. FerretDB reports it under another number when an update meets it.
func taken11000(err error) bool {
	var answer mongo.ServerError
	return mongo.IsDuplicateKeyError(err) ||
		errors.As(err, &answer) && answer.HasErrorCodeWithMessage(codeInternal, "UNIQUE constraint failed")
}

// Codes of MongoDB
// (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const (
	codeInternal       = 1
	codeBadValue       = 2
	codeObjectTooLarge = 10334
)

// passing are the codes of a server that cannot do it now, or not for us: it is
// shutting down, electing, overloaded, out of disk, or wants other credentials.
var passing = []int{
	codeInternal, 6, 7, 13, 18, 24, 43, 46, 50, 64, 89, 91, 100, 112, 125, 133, 134, 189, 202, 216,
	237, 262, 290, 317, 334, 358, 384, 8000, 9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031,
}

// ofAnswer sorts an error that the server answered with. A write that happened but
// was not acknowledged by the majority in time is not a success: it may be undone.
func ofAnswer(answer mongo.ServerError) error {
	var write mongo.WriteException
	switch {
	case errors.As(answer, &write) && len(write.WriteErrors) == 0:
		return ErrUnavailable.With(answer)
	case answer.HasErrorLabel("RetryableWriteError"), answer.HasErrorLabel("TransientTransactionError"):
		return ErrUnavailable.With(answer)
	case slices.ContainsFunc(passing, answer.HasErrorCode):
		return ErrUnavailable.With(answer)
	case answer.HasErrorCode(codeBadValue), answer.HasErrorCode(codeObjectTooLarge):
		return ErrUnfit.With(answer)
	}
	return fault.ErrInternal.Because("documents: %w", answer)
}
