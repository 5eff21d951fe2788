// A call's bodies kept for an auditor, where its provider's file asks for that.
#include "proxy/session.hpp"

namespace sallyport::proxy {

void session::begin_capture()
{
    if (call_.capture != nullptr || worker_.bodies == nullptr) {
        return;
    }
    call_.capture = std::make_unique<call_capture>(*call_.plan->provider->capture, *worker_.bodies);
    call_.capture->open(audit::body_side::request, call_.head);
    // A body that was collected; one that streams past is added piece by piece.
    call_.capture->add(audit::body_side::request, collected_);
}

// The outcome with what was kept, and that to the journal.
void session::record_captured(audit::entry& outcome)
{
    credential_spellings spellings;
    bool opened = spellings.collect(*call_.plan->injections, *call_.credential,
                                    call_.plan->provider->provider->facts(), worker_.scratch);
    if (opened && call_.plan->signature.signs()) {
        opened = spellings.collect_signing(*call_.credential, worker_.scratch);
    }
    call_.capture->settle(spellings, opened);
    call_.capture->tell(outcome);
    worker_.trail.append(outcome);
    call_.capture->keep(call_.call_id(), call_.credential->record());
    call_.capture.reset();
}

}  // namespace sallyport::proxy
