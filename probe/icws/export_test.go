package icws

import "context"

// Connect is LogOn for a test that waits no longer than for another request.
func (c *Client) Connect(ctx context.Context, cr Credentials) (*Session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.RequestTimeout)
	defer cancel()
	return c.LogOn(ctx, cr, ctx, func() {})
}
