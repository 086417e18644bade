package check

import (
	"time"

	"icws_exporter/probe"
	"icws_exporter/probe/catalogue"
	"icws_exporter/probe/icws"
)

// unobserved takes note of nothing; a witness has methods of its own for what counts.
type unobserved struct{}

func (unobserved) StateChanged(probe.State, string)                        {}
func (unobserved) Exchange(icws.Exchange)                                  {}
func (unobserved) Read(int)                                                {}
func (unobserved) StreamBroke(icws.FailureReason)                          {}
func (unobserved) StreamHeartbeat()                                        {}
func (unobserved) SessionOpening()                                         {}
func (unobserved) SessionOpenFailed(probe.OpenFailure)                     {}
func (unobserved) SessionClosed(probe.CloseReason)                         {}
func (unobserved) SessionAbandoned()                                       {}
func (unobserved) SwitchedOver()                                           {}
func (unobserved) AlternateHostRejected()                                  {}
func (unobserved) BreakerChanged(probe.BreakerState)                       {}
func (unobserved) BreakerRejected()                                        {}
func (unobserved) SubscriptionLost(probe.Subscription, probe.LossReason)   {}
func (unobserved) DeliveryChecked(probe.Subscription, probe.DeliveryCheck) {}
func (unobserved) Delivered(probe.Subscription, time.Duration)             {}
func (unobserved) MessageReceived(probe.Subscription, probe.MessageKind)   {}
func (unobserved) MessageDecodeFailed(probe.Subscription)                  {}
func (unobserved) CatalogueCommitted(catalogue.Result)                     {}
func (unobserved) UsersMoved(string, int)                                  {}
func (unobserved) Resynced(probe.Subscription, probe.ResyncReason)         {}
