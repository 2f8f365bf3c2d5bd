"""The founding chapter's examples, written as a user of eventcore would write them."""
