"""The PM Scoring project: settings, edges of the whole and the base that both apps share."""
