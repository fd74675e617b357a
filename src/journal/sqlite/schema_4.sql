-- What went wrong is few, and looked for among what went well.
CREATE INDEX settled_trouble ON settled (position) WHERE state <> 'delivered';
